import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import * as contract from "../../functions/contracts/carrier.ts";
import { type TopUpAnswer, type TopUpOutcome, type TopUpQuestion, topUpOutcome, UNKNOWN_REFERENCE } from "../../functions/domain/top-up-outcomes.ts";

const document = readFileSync(new URL("../../docs/carrier-api.yaml", import.meta.url), "utf8");

/** The examples of a schema; the document keeps them on one line, as JSON. */
function examplesOf(schema: string): unknown[] {
  const [, examples] = new RegExp(`^    ${schema}:\\n(?:      .*\\n)*?      examples: (\\[.*\\])$`, "m").exec(document) ?? [];
  return z.array(z.unknown()).parse(JSON.parse(examples ?? "[]"));
}

/** The statuses that an operation may answer with. */
function statusesOf(operationId: string): number[] {
  const [, operation = ""] = new RegExp(`operationId: ${operationId}\n((?: {6,}.*\n|\n)+)`).exec(document) ?? [];
  return [...operation.matchAll(/^ {8}"(\d{3})":/gm)].map(([, status]) => Number(status));
}

/** The rows of "What your answers mean to us": the statuses that a row names, and the word in bold for what we make of them. */
const MEANINGS = [...document.matchAll(/^ {4}\| (.*?) \| \*\*(\w+)\*\*/gm)].map(([, answer = "", meaning]) => ({
  statuses: [...answer.matchAll(/`(\d{3})`/g)].map(([, status]) => Number(status)),
  meaning,
}));

const QUESTIONS: readonly (readonly [operationId: string, question: TopUpQuestion])[] = [
  ["topUp", "top-up"],
  ["findTopUp", "find"],
];

/** What we make of a status as the document has it: a 200 with either word or with none, a 404 with its `type`. */
function meaningsOf(question: TopUpQuestion, status: number): string[] {
  const answers: TopUpAnswer[] =
    status === 200
      ? [
          { kind: "credited", reference: "r-1", at: "2026-11-23T16:00:00.000Z" },
          { kind: "refused", reference: "r-1", code: "line-closed" },
          { kind: "other", status },
        ]
      : [{ kind: "other", status, problem: status === 404 ? UNKNOWN_REFERENCE : undefined }];
  return answers.map((answer) => topUpOutcome(question, "r-1", answer).kind);
}

describe("the carrier's API document", () => {
  it.each(QUESTIONS)("says of every status that %s may answer with what we make of it, as we do", (operationId, question) => {
    const statuses = statusesOf(operationId);

    expect(statuses.length).toBeGreaterThanOrEqual(5);
    for (const status of statuses) {
      const said = MEANINGS.filter((row) => row.statuses.includes(status)).map(({ meaning }) => meaning);
      expect([status, said]).toEqual([status, meaningsOf(question, status)]);
    }
  });

  it("names every status that is a fault of ours, and no other", () => {
    const isFault = (status: number) => QUESTIONS.every(([, question]) => meaningsOf(question, status).includes("fault"));
    const faults = Array.from({ length: 500 }, (_, i) => 100 + i).filter(isFault);

    expect(MEANINGS.find(({ meaning }) => meaning === "fault")?.statuses).toEqual(faults);
  });

  it("has a word for everything that an answer can mean", () => {
    const outcomes: Record<TopUpOutcome["kind"], true> = { credited: true, refused: true, unseen: true, conflict: true, fault: true, unknown: true };

    expect(MEANINGS.map(({ meaning }) => meaning)).toEqual(Object.keys(outcomes));
  });

  it.each([
    ["EsimQuery", contract.esimQuery],
    ["EsimList", contract.esimList],
    ["LineQuery", contract.lineQuery],
    ["LineReply", contract.lineReply],
    ["CodeMessage", contract.codeMessage],
    ["BalanceQuery", contract.balanceQuery],
    ["BalanceList", contract.balanceList],
    ["TopUpOrder", contract.topUpOrder],
    ["TopUpReply", contract.topUpReply],
    ["TopUpList", contract.topUpList],
    ["UnknownReference", contract.carrierProblem],
  ])("shows examples of %s that our schema takes", (name, schema) => {
    const examples = examplesOf(name);

    expect(examples).not.toHaveLength(0);
    for (const example of examples) expect(z.safeParse(schema, example).error).toBeUndefined();
  });

  it("shows a 404 that we take for a word of the carrier", () => {
    const types = z
      .array(contract.carrierProblem)
      .parse(examplesOf("UnknownReference"))
      .map(({ type }) => type);

    expect(types).toEqual([UNKNOWN_REFERENCE]);
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
    expect(document).toContain(`no complete answer within ${contract.ANSWER_TIMEOUT_SECONDS} seconds`);
  });
});

describe("the carrier's answers", () => {
  it("may name the amounts that a line takes, or none for any amount", () => {
    const esims = [
      { iccid: "8986000000000000002", currency: "CNY", topUpAmounts: [3000, 5000] },
      { iccid: "8986000000000000010", currency: "JPY" },
    ];

    expect(contract.esimList.parse({ esims })).toEqual({ esims });
  });

  it.each([
    ["no amount at all", []],
    ["nothing", [0]],
    ["less than nothing", [-5000]],
    ["a fraction of a minor unit", [49.5]],
    ["a text", ["5000"]],
    ["more amounts than anybody chooses from", Array.from({ length: 101 }, (_, i) => i + 1)],
  ])("are refused when a line takes only %s", (_, topUpAmounts) => {
    expect(contract.esimList.safeParse({ esims: [{ iccid: "8986000000000000002", currency: "CNY", topUpAmounts }] }).success).toBe(false);
  });

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
