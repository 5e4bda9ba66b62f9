import { computed, type Ref, ref, watch } from 'vue'

import type { ApiError } from '@/api/errors'

import { useProofs } from './module'

/**
 * What an account asks for besides the password: the fields to show, and what was typed into them.
 *
 * @param error the last refusal; one that asks for more lets a field appear
 * @param options.late show no field before a refusal asks for it, where several forms are on a page
 */
export function useProofFields(
  error: Readonly<Ref<ApiError | undefined>>,
  options: { late?: boolean } = {},
) {
  const proofs = useProofs().map((proof) => ({
    ...proof,
    isAsked: options.late ? () => false : proof.useAsked(),
  }))
  const answers = ref<Record<string, unknown>>({})
  const demanded = ref<string[]>([])
  watch(error, (refusal) => {
    if (refusal?.code) demanded.value.push(refusal.code)
  })
  const asked = computed(() =>
    proofs.filter(({ isAsked, askedBy }) => isAsked() || demanded.value.includes(askedBy)),
  )
  function reset() {
    answers.value = {}
    demanded.value = []
  }
  return { answers, asked, reset }
}
