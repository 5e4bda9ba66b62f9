/** No text has it. */
const MARK = '\u0000'

/** A value of a message that MessageText fills with its slot of that name: a link, something bold. */
export const slot = (name: string) => MARK + name + MARK

/** Texts and, between them, names of slots. */
export const splitSlots = (text: string) => text.split(MARK)
