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
    readonly clientId?: string;
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

  /** An authorization request that waits for somebody to sign in. */
  interface Interaction {
    readonly uid: string;
    readonly params: Readonly<Record<string, unknown>>;
  }

  interface Session {
    /** There was no cookie of one. */
    readonly new?: boolean;
    destroy(): Promise<void>;
  }

  interface Grant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  interface Token {
    readonly clientId: string;
    readonly accountId: string;
    readonly grantId: string;
    /** Empty when nothing was granted. */
    readonly scope?: string;
    readonly authTime?: number;
    /** Seconds that are left. */
    readonly remainingTTL: number;
  }

  /** The part of Koa's context that we use. */
  interface Context {
    body: unknown;
    readonly cookies: { set(name: string, value: null): void };
    readonly oidc?: {
      readonly route: string;
      readonly client: { readonly clientId: string; readonly scope?: string; readonly redirectUris: readonly string[] };
      readonly account?: { readonly accountId: string };
      readonly provider: Provider;
      readonly entities: {
        readonly AccessToken?: Token;
        readonly AuthorizationCode?: Token;
        readonly RefreshToken?: Token;
        readonly RotatedRefreshToken?: Token;
      };
    };
  }

  class Provider {
    constructor(issuer: string, configuration: { readonly adapter: (model: string) => Adapter; readonly [setting: string]: unknown });
    callback(): import("node:http").RequestListener;
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void;
    createContext(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse): Context;
    cookieName(type: "session"): string;
    /** Rejects without the cookie of an interaction that goes on. */
    interactionDetails(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse): Promise<Interaction>;
    interactionFinished(
      request: import("node:http").IncomingMessage,
      response: import("node:http").ServerResponse,
      result: { readonly login: { readonly accountId: string } },
      options: { readonly mergeWithLastSubmission: boolean },
    ): Promise<void>;
    readonly Session: { get(context: Context): Promise<Session> };
    readonly Grant: new (of: {
      readonly clientId: string;
      readonly accountId: string;
    }) => Grant;
  }

  const interactionPolicy: { base(): { remove(prompt: string): void } };
}
