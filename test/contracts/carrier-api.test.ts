import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import * as contract from "../../functions/contracts/carrier.ts";

const document = readFileSync(new URL("../../docs/carrier-api.yaml", import.meta.url), "utf8");

/** The examples of a schema; the document keeps them on one line, as JSON. */
function examplesOf(schema: string): unknown[] {
  const [, examples] = new RegExp(`^    ${schema}:\\n(?:      .*\\n)*?      examples: (\\[.*\\])$`, "m").exec(document) ?? [];
  return z.array(z.unknown()).parse(JSON.parse(examples ?? "[]"));
}

describe("the carrier's API document", () => {
  it.each([
    ["EsimQuery", contract.esimQuery],
    ["EsimList", contract.esimList],
    ["BalanceQuery", contract.balanceQuery],
    ["BalanceList", contract.balanceList],
    ["TopUpOrder", contract.topUpOrder],
    ["TopUpReply", contract.topUpReply],
    ["UnknownReference", contract.unknownReference],
  ])("shows examples of %s that our schema takes", (name, schema) => {
    const examples = examplesOf(name);

    expect(examples).not.toHaveLength(0);
    for (const example of examples) expect(z.safeParse(schema, example).error).toBeUndefined();
  });

  it("works out a signature as we do", () => {
    const body = '{"iccid":"8986000000000000002","amount":{"amount":5000,"currency":"CNY"},"reference":"Zr8oJ2mXq4kP1tVn"}';
    const signature = contract.signCarrierRequest("example-secret", { timestamp: "1795449600", method: "POST", path: "/v1/top-ups", body });

    expect(document).toContain(`POST /v1/top-ups\n        X-Timestamp: 1795449600\n        ${body}\n`);
    expect(document).toContain(`X-Signature: ${signature}\n`);
    expect(signature).toBe("v1=9d4a577a4b3a0ed359ebf035fc1dbf77bc1dc1ce3db773c4517ed8725a6b04c8"); // checked with openssl
  });

  it("states the limits that we keep to", () => {
    expect(document).toContain(`maxItems: ${contract.LINES_PER_QUERY},`);
    expect(document).toContain(`more than ${contract.SIGNATURE_TOLERANCE_SECONDS} seconds`);
  });
});

describe("the carrier's answers", () => {
  it("may come with fields that we do not know", () => {
    const reply = { reference: "r-1", status: "credited", at: "2026-11-23T16:00:00Z", receipt: "4711" };

    expect(contract.topUpReply.parse(reply)).toEqual({ reference: "r-1", status: "credited", at: "2026-11-23T16:00:00.000Z" });
  });

  it("are read in the domain's time, whatever their offset", () => {
    const reply = { reference: "r-1", status: "credited", at: "2026-11-24T00:00:00.5+08:00" };

    expect(contract.topUpReply.parse(reply)).toMatchObject({ at: "2026-11-23T16:00:00.500Z" });
  });

  it.each([
    ["a fraction of a minor unit", { amount: 9.4, currency: "CNY" }],
    ["a text for a number", { amount: "940", currency: "CNY" }],
    ["an unknown currency", { amount: 940, currency: "RMB" }],
    ["a currency in lower case", { amount: 940, currency: "cny" }],
  ])("are refused with %s", (_, available) => {
    const balances = [{ iccid: "8986000000000000002", available, readAt: "2026-11-23T16:00:00Z" }];

    expect(contract.balanceList.safeParse({ balances }).success).toBe(false);
  });
});
