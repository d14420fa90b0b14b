/** Tables and records by names from files, which may be called like members of Object: "constructor", "__proto__". */

/** What a record has under a name itself; what it inherits from Object doesn't count. */
export const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** An empty record to fill by assignment, for which no name is special. */
export const emptyRecord = <T>(): Record<string, T> => Object.create(null) as Record<string, T>;
