// What we use of packages that come without types.

declare module "dynalite" {
  function dynalite(options: { path?: string; createTableMs?: number }): import("node:http").Server;
  export = dynalite;
}

declare module "dynalite/db/index.js" {
  interface Action {
    readonly index: string;
    readonly key: string;
    readonly item: object;
  }
  interface Table {
    readonly TableName: string;
    readonly GlobalSecondaryIndexes?: readonly object[];
  }
  type Operation = { readonly type: "put"; readonly key: string; readonly value: object } | { readonly type: "del"; readonly key: string };
  type Done = (error?: Error) => void;

  const internals: {
    /** Called with the item that is stored and the one that is to be stored, just before that is done. */
    updateIndexes(
      store: { readonly db: { batch(operations: readonly Operation[], done: Done): void } },
      table: Table,
      existing: object | undefined,
      item: object | null,
      done: Done,
    ): void;
    /** What the indexes have to forget, and to hold instead. */
    getIndexActions(
      indexes: readonly object[],
      existing: object | undefined,
      item: object | null,
      table: Table,
    ): { readonly puts: readonly Action[]; readonly deletes: readonly Pick<Action, "index" | "key">[] };
    /** The key under which an item is kept. */
    createKey(item: object, table: Table): string;
  };
  export = internals;
}

declare module "oidc-provider" {
  /** What the provider keeps of a code, token, session or grant. */
  interface Payload {
    readonly jti?: string;
    readonly uid?: string;
    readonly userCode?: string;
    readonly grantId?: string;
    readonly consumed?: number;
  }

  /** https://github.com/panva/node-oidc-provider/blob/main/docs/README.md#adapter */
  interface Adapter {
    upsert(id: string, payload: Payload, expiresIn?: number): Promise<void>;
    find(id: string): Promise<Payload | undefined>;
    findByUid(uid: string): Promise<Payload | undefined>;
    findByUserCode(userCode: string): Promise<Payload | undefined>;
    consume(id: string): Promise<void>;
    destroy(id: string): Promise<void>;
    revokeByGrantId(grantId: string): Promise<void>;
  }

  class Provider {
    constructor(issuer: string, configuration: { readonly adapter: (model: string) => Adapter; readonly [setting: string]: unknown });
    callback(): import("node:http").RequestListener;
  }
}
