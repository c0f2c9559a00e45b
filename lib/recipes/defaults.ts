/** How often training is saved within an epoch, where nobody says. */
export const CHECKPOINT_MINUTES = 10
