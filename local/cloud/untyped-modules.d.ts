// What we use of packages that come without types.

declare module "dynalite" {
  function dynalite(options: { path?: string; createTableMs?: number }): import("node:http").Server;
  export = dynalite;
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
