/** How a request names the ways to take a range: read by help, so it loads nothing. */

/** How a range is taken from what was seen. mse: the least squared error as a share of each sample's energy; absolute: the least squared
 *  error; average: means over samples of their least and largest; minmax: all that was seen. */
export const rangeMethods = ['mse', 'absolute', 'average', 'minmax'] as const;

export type RangeMethod = (typeof rangeMethods)[number];
