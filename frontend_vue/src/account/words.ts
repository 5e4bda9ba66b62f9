export const PASSWORD_HINT = 'At least 8 characters. A few words are better than one.'
