import type { Records } from "../../local/records.ts";

/** What a model remembers, as it is: nothing is copied, which is most of the time that the models take. They change no document that they have put. */
export function plainRecords(): Records {
  const kinds = new Map<string, Map<string, object>>();
  const kindOf = (kind: string) => {
    const known = kinds.get(kind) ?? new Map<string, object>();
    kinds.set(kind, known);
    return known;
  };
  return {
    get: <T>(kind: string, id: string) => kindOf(kind).get(id) as T | undefined,
    put: (kind, id, document) => void kindOf(kind).set(id, document),
    remove: (kind, id) => void kindOf(kind).delete(id),
    list: <T>(kind: string) => [...kindOf(kind).values()] as T[],
    atomically: (act) => act(),
    close: () => {},
  };
}
