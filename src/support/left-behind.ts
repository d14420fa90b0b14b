/** Who removes what this process was making, should it be ended in the midst of it. */
export const leftBehind: {
  /** @param folder  what to remove from now on; null: nothing */
  tell(folder: string | null): void;
} = { tell() {} };
