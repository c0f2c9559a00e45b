/** The criteria that `prune --criterion` takes. */
export const criterionNames = ['deviation', 'global', 'layer', 'fisher', 'filter'] as const
export type CriterionName = (typeof criterionNames)[number]
