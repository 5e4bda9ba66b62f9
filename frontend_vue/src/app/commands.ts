import { ExternalLink, House, Keyboard, Languages, LogOut, Moon, Sun, UserRound } from '@lucide/vue'

import { chooseLanguage } from '@/account/language'
import { useAccountModules } from '@/account/module'
import { signOut, useLinks } from '@/account/session'
import { useTheme } from '@/composables/useTheme'
import { language } from '@/i18n/language'
import { LOCALES, locales } from '@/i18n/locales'
import type { Command } from '@/ui/commands'

import { features } from './features'
import { linkTitle } from './links'
import { t } from './locales'

/**
 * What the palette offers on every page: what features add is given when it is asked for, and
 * stands behind their first pages.
 */
export function useGeneralCommands(actions: {
  keyboard: () => void
}): (ofFeatures: Command[]) => Command[] {
  const links = useLinks()
  const { dark, toggle } = useTheme()
  const entries = useAccountModules().flatMap(({ menu }) => menu ?? [])

  return (ofFeatures) => [
    ...features.map(({ name, title, icon }) => ({ id: `/${name}`, title, icon, to: `/${name}` })),
    ...ofFeatures,
    ...(features.length === 1 ? [] : [{ id: '/', title: t('command.home'), icon: House, to: '/' }]),
    { id: '/account', title: t('menu.account'), icon: UserRound, to: '/account' },
    ...entries.map(({ title, icon, to }) => ({ id: to, title, icon, to })),
    ...links.value.map(({ name, url }) => ({
      id: `link:${name}`,
      title: linkTitle(name),
      icon: ExternalLink,
      href: url,
    })),
    {
      id: 'theme',
      title: dark.value ? t('theme.light') : t('theme.dark'),
      words: t('command.themeWords'),
      icon: dark.value ? Sun : Moon,
      run: toggle,
    },
    ...locales
      .filter((name) => name !== language.value)
      .map((name) => ({
        id: `language:${name}`,
        title: t('command.language', { language: LOCALES[name] }),
        icon: Languages,
        run: () => chooseLanguage(name),
      })),
    {
      id: 'keyboard',
      title: t('menu.keyboard'),
      words: t('command.keyboardWords'),
      icon: Keyboard,
      run: actions.keyboard,
    },
    { id: 'sign-out', title: t('menu.signOut'), icon: LogOut, run: signOut },
  ]
}
