import { createHmac } from "node:crypto";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { describe, expect, it } from "@jest/globals";
import { hmacPayLinks, payLinksFromSecret } from "../../functions/adapters/hmac-pay-links.ts";
import { NOW } from "../builders.ts";

const LINK = { rechargeId: "0f9b6a54-8d5c-4f5e-9f5a-0d3c3b7a1e21", expiresAt: NOW };
const links = (key = "key", previousKey?: string) => hmacPayLinks({ keys: async () => ({ key, previousKey }), apiUrl: "https://api.test" });

async function tokenOf(made = links(), link = LINK): Promise<string> {
  const url = await made.urlFor(link);
  expect(url).toMatch(/^https:\/\/api\.test\/pay\/[\w-]+\.[\w-]{43}$/);
  return url.slice("https://api.test/pay/".length);
}

describe("the token of a pay link", () => {
  it("says which recharge, and until when, and is short enough for a text message", async () => {
    const token = await tokenOf();
    expect(await links().read(token)).toEqual(LINK);
    expect(token.length).toBeLessThan(120);
    expect(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).not.toMatch(/\d{18}/); // no line
  });

  it("is nobody's once any character of it is another", async () => {
    const token = await tokenOf();
    for (let i = 0; i < token.length; i++) {
      for (const other of ["A", "B", "-", "."]) {
        const altered = token.slice(0, i) + other + token.slice(i + 1);
        if (altered !== token) expect([altered, await links().read(altered)]).toEqual([altered, undefined]);
      }
    }
  });

  it.each(["", ".", "x", `${"A".repeat(200)}.${"B".repeat(43)}`, "a.b.c", "%00", "AAAA.é", "../../x"])("is not %j", async (token) => {
    expect(await links().read(token)).toBeUndefined();
  });

  it("is not one that was cut, or signed with nothing", async () => {
    const [said = "", signature = ""] = (await tokenOf()).split(".");
    for (const token of [said, `${said}.`, `${said}.${signature.slice(0, -1)}`, `${said}.${signature}A`, `.${signature}`]) {
      expect(await links().read(token)).toBeUndefined();
    }
  });

  it("is not one of another stage, nor the same text signed for something else", async () => {
    const token = await tokenOf();
    const [said = ""] = token.split(".");
    expect(await links("another key").read(token)).toBeUndefined();
    expect(await links().read(`${said}.${createHmac("sha256", "key").update(said).digest("base64url")}`)).toBeUndefined();
  });

  it("is taken after its key was changed, as long as that is kept, and no longer", async () => {
    const token = await tokenOf(links("old"));
    expect(await links("new", "old").read(token)).toEqual(LINK);
    expect(await links("new").read(token)).toBeUndefined();
    expect(await tokenOf(links("new", "old"))).toBe(await tokenOf(links("new")));
  });

  it("is made for nothing but a recharge's own id", async () => {
    for (const rechargeId of ["", "a b", "r/1", "x".repeat(65)]) await expect(links().urlFor({ ...LINK, rechargeId })).rejects.toThrow("recharge's own id");
  });
});

describe("pay links with a key from a secret", () => {
  it("read it once and keep it", async () => {
    const asked: unknown[] = [];
    const client = new SecretsManagerClient({ region: "us-east-1" });
    client.middlewareStack.add(
      () =>
        async ({ input }) => {
          asked.push(input);
          return { response: {}, output: { $metadata: {}, SecretString: '{"key":"key"}' } };
        },
      { step: "initialize" },
    );
    const made = payLinksFromSecret(client, { PAY_LINK_SECRET_ARN: "arn:x", API_URL: "https://api.test" });
    expect(await made.read(await tokenOf(made))).toEqual(LINK);
    expect(asked).toEqual([{ SecretId: "arn:x" }]);
  });
});
