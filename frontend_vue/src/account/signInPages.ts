/** The pages around sign-in, loaded together: whoever sees one of them soon sees another. */
export { default as CheckMailPage } from './CheckMailPage.vue'
export { default as ConfirmAddressPage } from './ConfirmAddressPage.vue'
export { default as ForgotPage } from './ForgotPage.vue'
export { default as RegisterPage } from './RegisterPage.vue'
export { default as ResetPage } from './ResetPage.vue'
export { default as VerifyEmailPage } from './VerifyEmailPage.vue'
