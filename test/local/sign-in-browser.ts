import { createHash, randomBytes } from "node:crypto";
import * as z from "zod/mini";

/** What an app asks of the issuer's authorize endpoint. */
export interface SignInRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope?: string;
}

/** One sign-in's secret, which only the app that began it knows. Source: RFC 7636 */
export function pkce(verifier = randomBytes(32).toString("base64url")): { readonly verifier: string; readonly challenge: string } {
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

export const tokens = z.object({
  access_token: z.string(),
  id_token: z.optional(z.string()),
  refresh_token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.int(),
});
export type Tokens = z.infer<typeof tokens>;

/** More steps than any way through the pages has. */
const MOST_REDIRECTS = 10;

/** A browser: keeps cookies by their paths, follows redirects on the issuer's pages, fills in forms, and stops where the app takes over. */
export class SignInBrowser {
  readonly #issuer: string;
  readonly #language: string;
  readonly #cookies = new Map<string, { readonly path: string; readonly value: string }>();

  constructor(issuer: string, language = "en") {
    this.#issuer = issuer;
    this.#language = language;
  }

  /** Ends on a page, or where it was sent to away from the issuer. */
  async open(url: string, form?: Readonly<Record<string, string>>): Promise<{ readonly url: URL; readonly status: number; readonly text: string }> {
    let target = new URL(url, this.#issuer);
    let body = form && new URLSearchParams(form);
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      if (target.origin !== this.#issuer) return { url: target, status: 0, text: "" };
      const headers = { cookie: this.#cookiesFor(target.pathname), accept: "text/html", "accept-language": this.#language };
      const response = await fetch(target, { method: body === undefined ? "GET" : "POST", body, headers, redirect: "manual" });
      for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
      const location = response.headers.get("location");
      const text = await response.text();
      if (location === null) return { url: target, status: response.status, text };
      target = new URL(location, target);
      body = undefined;
    }
    throw new Error("The pages send this browser round in a circle");
  }

  /** Opens the form of a page and sends it. */
  async submit(page: { readonly url: URL; readonly text: string }, fields: Readonly<Record<string, string>>) {
    const action = /<form method="post" action="([^"]+)"/.exec(page.text)?.[1];
    if (action === undefined) throw new Error(`There is no form on ${page.url.pathname}: ${page.text}`);
    return this.open(new URL(action, page.url).href, fields);
  }

  /** Forgets everything, as another browser would know nothing. */
  forget(): void {
    this.#cookies.clear();
  }

  #keep(cookie: string): void {
    const [pair = "", ...attributes] = cookie.split("; ");
    const [name = "", value = ""] = pair.split("=");
    const attribute = (key: string) => attributes.find((each) => each.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
    const path = attribute("path") ?? "/";
    if (value === "" || Date.parse(attribute("expires") ?? "9999-12-31") <= Date.now()) this.#cookies.delete(`${name} ${path}`);
    else this.#cookies.set(`${name} ${path}`, { path, value });
  }

  #cookiesFor(pathname: string): string {
    return [...this.#cookies]
      .filter(([, { path }]) => path === "/" || pathname === path || pathname.startsWith(`${path}/`))
      .map(([key, { value }]) => `${key.split(" ")[0]}=${value}`)
      .join("; ");
  }
}

/** The address of a page that takes an authorization request: /oauth2/authorize, /login or /signup. */
export function signInUrl(page: string, { clientId, redirectUri, scope = "openid email phone" }: SignInRequest, more: Readonly<Record<string, string>> = {}) {
  const asked = { client_id: clientId, redirect_uri: redirectUri, response_type: "code", scope, state: "xyz", ...more };
  return `${page}?${new URLSearchParams(asked).toString()}`;
}

/** Asks the token endpoint. */
export async function askForTokens(issuer: string, form: Readonly<Record<string, string>>): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${issuer}/oauth2/token`, { method: "POST", body: new URLSearchParams(form) });
  return { status: response.status, body: await response.json() };
}

/** The whole way of an app and its browser: registers or signs in, and changes the code for tokens. */
export async function signInWith(
  browser: SignInBrowser,
  issuer: string,
  page: "/signup" | "/login",
  request: SignInRequest,
  person: { readonly username: string; readonly password: string },
): Promise<Tokens> {
  const { verifier, challenge } = pkce();
  const form = await browser.open(signInUrl(page, request, { code_challenge: challenge, code_challenge_method: "S256" }));
  const { url, text } = await browser.submit(form, person);
  const code = url.searchParams.get("code");
  if (code === null) throw new Error(`There was no code at the end: ${url.pathname} ${text}`);
  const { body } = await askForTokens(issuer, {
    grant_type: "authorization_code",
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    code,
    code_verifier: verifier,
  });
  return z.parse(tokens, body);
}
