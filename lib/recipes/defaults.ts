/** The default number of minutes between two saves of training. */
export const CHECKPOINT_MINUTES = 10
