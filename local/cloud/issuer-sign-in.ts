import type { IncomingMessage, ServerResponse } from "node:http";
import type { Interaction, Provider } from "oidc-provider";
import type { IssuerClient } from "./issuer-clients.ts";
import { faultPage, formPage, type PageFault, type PageName, pageLanguage } from "./issuer-pages.ts";
import type { IssuerUsers } from "./issuer-users.ts";

export interface SignInOptions {
  readonly provider: Provider;
  readonly users: IssuerUsers;
  readonly clients: readonly IssuerClient[];
  readonly passwordLength: number;
  /** Path of the authorize endpoint. */
  readonly authorization: string;
}

/** Many times the longest form. */
const LONGEST_FORM = 16 * 1024;
/** Names the page that an authorization request is to be shown: of ours, as Cognito has a path for each instead. */
export const PAGE_PARAMETER = "page";
export const LANGUAGE_PARAMETER = "lang";

/** Where the provider sends a browser of which it does not know whose it is. */
export function pageUrl({ uid, params }: Interaction): string {
  return `/${params[PAGE_PARAMETER] === "signup" ? "signup" : "login"}?interaction=${uid}`;
}

/**
 * The pages with which people sign in: /login, /signup and /logout, as at Cognito's managed login. Gives false for all other paths.
 *
 * /login and /signup take the parameters of /oauth2/authorize. A form counts only with the cookie of the browser that it was shown to.
 */
export function signInPages(options: SignInOptions): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  const { provider, users, clients, passwordLength, authorization } = options;

  async function form(name: PageName, request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
    if (!query.has("interaction")) return begin(name, request, response, query);
    const interaction = await provider.interactionDetails(request, response).catch(() => undefined); // without its cookie, or too late
    const language = pageLanguage(interaction?.params[LANGUAGE_PARAMETER], request.headers["accept-language"]);
    if (interaction === undefined || interaction.uid !== query.get("interaction")) return show(response, 400, faultPage(language, "too-late"));
    const page = (fault?: PageFault, username?: string) =>
      formPage({ name, language, action: pagePath(name, interaction), other: otherPage(name, interaction), passwordLength, fault, username });
    if (request.method !== "POST") return show(response, 200, page());

    const { username, password } = await readForm(request);
    const user = name === "signup" ? users.register(username, password) : (users.signIn(username, password) ?? "wrong-password");
    if (typeof user === "string") return show(response, 400, page(user, username));
    await provider.interactionFinished(request, response, { login: { accountId: user.sub } }, { mergeWithLastSubmission: false });
  }

  /** Makes an authorization request of what was asked. Whoever wants an account is nobody who is signed in here. */
  async function begin(name: PageName, request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
    if (name === "signup") await endSession(request, response);
    query.set(PAGE_PARAMETER, name);
    redirect(response, `${authorization}?${query.toString()}`);
  }

  async function endSession(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const context = provider.createContext(request, response);
    const session = await provider.Session.get(context);
    if (!session.new) await session.destroy();
    context.cookies.set(provider.cookieName("session"), null);
  }

  /** docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html: ends the browser's session, and no token. */
  async function signOut(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
    const client = clients.find(({ clientId }) => clientId === query.get("client_id"));
    const target = query.get("logout_uri");
    const isToLogin = target === null && query.has("redirect_uri");
    if (client === undefined || !(isToLogin || client.logoutUris?.includes(target ?? ""))) {
      return show(response, 400, "The client or its logout_uri is not registered", "text/plain; charset=utf-8");
    }
    await endSession(request, response);
    redirect(response, isToLogin ? `/login?${query.toString()}` : (target ?? ""));
  }

  return async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const isForm = pathname === "/login" || pathname === "/signup";
    if (!isForm && pathname !== "/logout") return false;
    if (isForm) await form(pathname === "/signup" ? "signup" : "login", request, response, searchParams);
    else await signOut(request, response, searchParams);
    return true;
  };
}

const pagePath = (name: PageName, { uid }: Interaction) => `/${name}?interaction=${uid}`;

/** The other page, for the same authorization request. */
function otherPage(name: PageName, { params }: Interaction): string {
  const { [PAGE_PARAMETER]: _page, ...asked } = params;
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(asked)) if (typeof value === "string") query.set(key, value);
  return `/${name === "login" ? "signup" : "login"}?${query.toString()}`;
}

async function readForm(request: IncomingMessage): Promise<{ readonly username: string; readonly password: string }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= LONGEST_FORM) chunks.push(chunk);
  }
  const fields = new URLSearchParams(bytes <= LONGEST_FORM ? Buffer.concat(chunks).toString() : "");
  return { username: fields.get("username") ?? "", password: fields.get("password") ?? "" };
}

function show(response: ServerResponse, status: number, body: string, type = "text/html; charset=utf-8"): void {
  const headers = {
    "content-type": type,
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  response.writeHead(status, headers).end(body);
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location, "cache-control": "no-store" }).end();
}
