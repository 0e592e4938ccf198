import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { decodeJwt } from "jose";
import * as z from "zod/mini";
import { RESOURCE_SERVER, SCOPES } from "../../functions/contracts/route.ts";
import { readIssuerClients } from "../../local/cloud/issuer-clients.ts";
import { loadStacks } from "../../local/cloud/template.ts";
import { DEMO_PASSWORD, DEMO_USER, demoRule } from "../../local/demo-data.ts";
import { DemoSubscriber } from "../../local/demo-subscriber.ts";
import { testAssembly } from "../assembly.ts";
import { SignInBrowser, type SignInRequest, signInWith } from "../local/sign-in-browser.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";

/** From a browser that knows nothing to a rule on a line, on the stack as it is deployed: over HTTP only. */

const MEI = { username: "mei@example.com", password: "a line of my own" };
const MEIS_LINE = "8986012345678900033";

let folder: ReturnType<typeof temporaryFolder>;
let stack: LocalProcess;
let url: string;
let issuer: string;
/** The clients of the template. */
let apps: { readonly web: SignInRequest; readonly native: SignInRequest };

beforeAll(async () => {
  folder = temporaryFolder();
  stack = runLocal("start", ["--assembly", testAssembly(), "--state", join(folder.path, "state"), "--port", "0", "--speed", "1"]);
  url = String((await stack.until(/Ready at (\S+)/))[1]);
  issuer = z.object({ signIn: z.string() }).parse(await (await fetch(`${url}/local/`)).json()).signIn;
  const stacks = loadStacks(testAssembly(), { queueUrl: (queue) => `${url}/${queue}`, attributes: () => url });
  const appOf = (name: string) => {
    const client = readIssuerClients(stacks).find(({ logicalId }) => logicalId.includes(name));
    return { clientId: client?.clientId ?? "", redirectUri: client?.redirectUris[0] ?? "", scope: client?.scopes?.join(" ") };
  };
  apps = { web: appOf("WebClient"), native: appOf("NativeClient") };
});

afterAll(async () => {
  await endLocal(stack, "SIGKILL");
  folder[Symbol.dispose]();
});

const get = (path: string, token: string) => fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
const lines = z.object({ data: z.array(z.object({ iccid: z.string() })) });
const linesOf = async (token: string) => z.parse(lines, await (await get("/v1/esims", token)).json()).data.map(({ iccid }) => iccid);

describe("somebody new", () => {
  it("registers, is given a line by the operator, saves a card and a rule", async () => {
    const { access_token: token } = await signInWith(new SignInBrowser(issuer), issuer, "/signup", apps.web, MEI);
    expect(await linesOf(token)).toEqual([]);
    const given = await fetch(`${url}/local/lines`, { method: "POST", body: JSON.stringify({ iccid: MEIS_LINE, owner: { email: MEI.username } }) });
    expect(given.status).toBe(200);
    expect(await linesOf(token)).toEqual([MEIS_LINE]);

    const mei = new DemoSubscriber(url, token);
    await mei.saveRule(MEIS_LINE, await mei.saveTestCard("pm_card_visa"));
    expect(await mei.ruleStatus(MEIS_LINE)).toEqual({ state: "active" });
    expect((await get(`/v1/rules/${demoRule(MEIS_LINE, "").iccid}`, await (await fetch(`${url}/local/token`)).text())).status).toBe(404); // Ada's is another token
  });
});

describe("Ada", () => {
  it.each(["web", "native"] as const)("signs in with her password in the app for %s, for a quarter of an hour and every scope", async (name) => {
    const person = { username: DEMO_USER.email, password: DEMO_PASSWORD };
    const { access_token: token, expires_in } = await signInWith(new SignInBrowser(issuer), issuer, "/login", apps[name], person);
    expect(expires_in).toBe(900);
    const { sub, client_id, scope } = decodeJwt(token);
    expect([sub, client_id]).toEqual([DEMO_USER.sub, apps[name].clientId]);
    expect(String(scope).split(" ")).toEqual(expect.arrayContaining(Object.keys(SCOPES).map((each) => `${RESOURCE_SERVER}/${each}`)));
    expect(await linesOf(token)).toHaveLength(2);
  });

  it("who lets an app see her lines only lets it do nothing else", async () => {
    const narrow = { ...apps.web, scope: `openid email phone ${RESOURCE_SERVER}/esims:read` };
    const person = { username: DEMO_USER.email, password: DEMO_PASSWORD };
    const { access_token: token } = await signInWith(new SignInBrowser(issuer), issuer, "/login", narrow, person);
    expect([(await get("/v1/esims", token)).status, (await get("/v1/rules", token)).status]).toEqual([200, 403]);
  });
});

describe("an ID token", () => {
  it("opens nothing", async () => {
    const person = { username: DEMO_USER.email, password: DEMO_PASSWORD };
    const { id_token } = await signInWith(new SignInBrowser(issuer), issuer, "/login", apps.web, person);
    expect((await get("/v1/esims", id_token ?? "")).status).toBe(403); // its audience is right, and it has no scope
  });
});

describe("a page of the web app", () => {
  it("may call the API from the stage's origin, and nobody else's may", async () => {
    const ask = (origin: string) =>
      fetch(`${url}/v1/rules`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization" },
      });
    const allowed = await ask(new URL(apps.web.redirectUri).origin);
    expect([allowed.status, allowed.headers.get("access-control-allow-headers")]).toEqual([204, expect.stringContaining("authorization")]);
    expect((await ask("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
  });
});
