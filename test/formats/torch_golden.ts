/** The path of a file of the fixture that torch.save wrote, or of one beside it. */
export const golden = (name: string) => new URL(`../golden/torch/${name}`, import.meta.url).pathname
