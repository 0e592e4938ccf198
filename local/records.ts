import { DatabaseSync } from "node:sqlite";

/** What a local server remembers: JSON documents by kind and id. A `put` is on disk when it returns, so a server can write before it answers. */
export interface Records {
  get<T>(kind: string, id: string): T | undefined;
  put(kind: string, id: string, document: object): void;
  remove(kind: string, id: string): void;
  /** In the order in which they were first put. */
  list<T>(kind: string): T[];
  /** All that `act` puts and removes, in one piece: a killed process leaves all of it on disk, or nothing. Within another one, part of that. */
  atomically<T>(act: () => T): T;
  close(): void;
}

/** Keeps nothing beyond the process: for tests and simulations. Documents are copied in and out, as a disk would. */
export function memoryRecords(): Records {
  const kinds = new Map<string, Map<string, string>>();
  const kindOf = (kind: string) => {
    const known = kinds.get(kind) ?? new Map<string, string>();
    kinds.set(kind, known);
    return known;
  };
  return {
    get: <T>(kind: string, id: string) => {
      const text = kindOf(kind).get(id);
      return text === undefined ? undefined : (JSON.parse(text) as T);
    },
    put: (kind, id, document) => void kindOf(kind).set(id, JSON.stringify(document)),
    remove: (kind, id) => void kindOf(kind).delete(id),
    list: <T>(kind: string) => [...kindOf(kind).values()].map((text) => JSON.parse(text) as T),
    atomically: (act) => act(),
    close: () => {},
  };
}

/** Keeps documents in one SQLite file, which survives a killed process. */
export function fileRecords(path: string): Records {
  const database = new DatabaseSync(path);
  database.exec(`pragma journal_mode = wal;
    create table if not exists records (sequence integer primary key, kind text not null, id text not null, document text not null, unique (kind, id))`);
  const get = database.prepare("select document from records where kind = ? and id = ?");
  const put = database.prepare("insert into records (kind, id, document) values (?, ?, ?) on conflict (kind, id) do update set document = excluded.document");
  const remove = database.prepare("delete from records where kind = ? and id = ?");
  const list = database.prepare("select document from records where kind = ? order by sequence");
  return {
    get: <T>(kind: string, id: string) => {
      const row = get.get(kind, id);
      return row === undefined ? undefined : (JSON.parse(String(row.document)) as T);
    },
    put: (kind, id, document) => void put.run(kind, id, JSON.stringify(document)),
    remove: (kind, id) => void remove.run(kind, id),
    list: <T>(kind: string) => list.all(kind).map((row) => JSON.parse(String(row.document)) as T),
    atomically(act) {
      if (database.isTransaction) return act();
      database.exec("begin immediate");
      try {
        const result = act();
        database.exec("commit");
        return result;
      } catch (error) {
        database.exec("rollback");
        throw error;
      }
    },
    close: () => database.close(),
  };
}
