/** What ranks weights in `prune --criterion`. */
export const scoreNames = ['magnitude', 'fisher', 'filter-norm'] as const
export type ScoreName = (typeof scoreNames)[number]

/** What says how many stay in `prune --select`. */
export const selectionNames = ['deviation', 'density', 'global', 'nm', 'filters'] as const
export type SelectionName = (typeof selectionNames)[number]
