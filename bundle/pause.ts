/**
 * Called between steps of long work: gives the thread to others, if it is time. A server passes the one that keeps its
 * turns short; whoever has the thread for himself passes none.
 */
export type Pause = () => Promise<void> | undefined;

export const noPause: Pause = () => undefined;
