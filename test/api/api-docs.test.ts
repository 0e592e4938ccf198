import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { answerDocument, answerPage } from "../../functions/api/api-docs/answer-docs.ts";
import type { OpenApi } from "../../functions/contracts/openapi.ts";

const committed: OpenApi = JSON.parse(readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8"));
const ISSUER = "https://issuer.example.com/pool";

describe("the OpenAPI document", () => {
  it("is served as it is committed, but with the stage's issuer", () => {
    const { headers, body = "" } = answerDocument(committed, ISSUER);
    const served: OpenApi = JSON.parse(body);
    expect(headers).toMatchObject({ "content-type": "application/json", "access-control-allow-origin": "*" });
    expect(served.components.securitySchemes.signIn.openIdConnectUrl).toBe(`${ISSUER}/.well-known/openid-configuration`);
    expect({ ...served, components: { ...served.components, securitySchemes: committed.components.securitySchemes } }).toEqual(committed);
  });

  it("names an issuer once, whether its address ends in a slash or not", () => {
    expect(answerDocument(committed, `${ISSUER}/`)).toEqual(answerDocument(committed, ISSUER));
  });
});

describe("the page", () => {
  const { headers = {}, body: page = "" } = answerPage(committed, ISSUER);

  it("shows every operation, type and example of the document", () => {
    for (const [path, methods] of Object.entries(committed.paths)) {
      for (const [method, { operationId, responses }] of Object.entries(methods)) {
        expect(page).toContain(`<h2 id="${operationId}">`);
        expect(page).toContain(`<code>${method.toUpperCase()} ${path}</code>`);
        const examples = Object.values(responses).flatMap(({ content = {} }) => Object.values(content).flatMap((each) => Object.values(each.examples ?? {})));
        for (const { summary } of examples) expect(page).toContain(`<summary>${summary}</summary>`);
      }
    }
    for (const name of Object.keys(committed.components.schemas)) expect(page).toContain(`<h3 id="type-${name}">`);
  });

  it("leads only to places that there are in it", () => {
    const places = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const links = [...page.matchAll(/href="([^"]+)"/g)].map(([, href = ""]) => href);
    expect(links.filter((href) => href !== "openapi.json" && !places.has(href.slice(1)))).toEqual([]);
  });

  it("loads and runs nothing", () => {
    expect(page).not.toMatch(/<(script|link|img|iframe|form|object)|url\(|@import|\son\w+=|src=|href="(https?:)?\/\//i);
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none';/);
  });

  it("shows text as text", () => {
    const odd: OpenApi = { ...committed, info: { ...committed.info, title: "<script>alert(1)</script>", description: 'a `<b>"c"</b>` & d' } };
    const { body = "" } = answerPage(odd, ISSUER);
    expect(body).not.toContain("<script>");
    expect(body).toContain("a <code>&lt;b&gt;&quot;c&quot;&lt;/b&gt;</code> &amp; d");
  });
});
