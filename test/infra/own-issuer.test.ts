import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { STAGES, stageNamed } from "../../infra/stages.ts";
import { appOf } from "./app-in-process.ts";
import { readTemplates } from "./templates.ts";

const folder = mkdtempSync(join(tmpdir(), "own-issuer-"));
afterAll(() => rmSync(folder, { recursive: true }));

const ISSUER = { url: "https://id.operator.example/realm", audiences: ["recharge-web", "recharge-app"] };

/** The stacks of an operator who has people of his own, his mail domain verified, and recurring Alipay allowed by Stripe. */
const stage = { ...stageNamed("dev"), issuer: ISSUER, signInMailThroughSes: true, reusableAlipay: true };
appOf(stage, folder).synth();
const templates = readTemplates(join(folder, "cdk.out"));

describe("a stage with an issuer of its own", () => {
  it("takes that issuer's tokens for its audiences, and no others", () => {
    expect(templates.ofType("AWS::ApiGatewayV2::Authorizer").map(({ Properties }) => Properties.JwtConfiguration)).toEqual([
      { Issuer: ISSUER.url, Audience: ISSUER.audiences },
    ]);
  });

  it("asks that issuer who a caller is", () => {
    const schema = z.object({ Environment: z.object({ Variables: z.object({ ISSUER_URL: z.optional(z.unknown()) }) }) });
    const urls = templates.read("AWS::Lambda::Function", schema).flatMap(({ properties }) => properties.Environment.Variables.ISSUER_URL ?? []);
    expect(new Set(urls)).toEqual(new Set([ISSUER.url]));
  });
});

describe("a stage whose mail domain is verified", () => {
  it("sends the codes for signing in from there", () => {
    expect(templates.ofType("AWS::Cognito::UserPool").map(({ Properties }) => Properties.EmailConfiguration)).toMatchObject([
      { EmailSendingAccount: "DEVELOPER", From: "recharge@dev.example.com", SourceArn: expect.anything() },
    ]);
  });
});

describe("a stage that Stripe allows recurring Alipay", () => {
  it("says so to the function that saves ways to pay, and to no other", () => {
    const schema = z.object({
      Environment: z.object({ Variables: z.object({ POWERTOOLS_SERVICE_NAME: z.string(), REUSABLE_ALIPAY: z.optional(z.string()) }) }),
    });
    const told = templates.read("AWS::Lambda::Function", schema).map(({ properties }) => properties.Environment.Variables);
    expect(told.filter(({ REUSABLE_ALIPAY }) => REUSABLE_ALIPAY !== undefined)).toEqual([
      { POWERTOOLS_SERVICE_NAME: "payment-methods", REUSABLE_ALIPAY: "on" },
    ]);
  });
});

describe.each(Object.values(STAGES))("the stage $name", ({ callbackUrls, nativeCallbackUrls, webOrigins }) => {
  it("lets the pages call the API that people sign in on", () => {
    for (const url of callbackUrls) expect(webOrigins).toContain(new URL(url).origin);
  });

  it("names origins as browsers do", () => {
    for (const origin of webOrigins) expect(origin).toBe(new URL(origin).origin);
  });

  it("returns to pages over TLS, but for those of a developer's own machine, and to apps by links or a scheme that names their owner", () => {
    const isDevelopers = (url: URL) => url.hostname === "localhost";
    for (const url of callbackUrls.map((text) => new URL(text))) expect(url.protocol === "https:" || isDevelopers(url)).toBe(true);
    for (const url of nativeCallbackUrls) expect(url).toMatch(/^https:|^[a-z]+(\.[a-z]+)+:/); // RFC 8252, 7.1
  });
});
