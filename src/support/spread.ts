/** @returns as many of `items` as asked for, or all, at equal distances: what is collected often stands in an order of its own */
export function spread<T>(items: readonly T[], most: number): T[] {
  const count = Math.min(most, items.length);
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)] as T);
}
