import { describe, expect, it } from "@jest/globals";
import { type TopUpAnswer, type TopUpQuestion, topUpOutcome, UNKNOWN_REFERENCE } from "../../functions/domain/top-up-outcomes.ts";
import { NOW } from "../builders.ts";

const credited = (reference = "r-1"): TopUpAnswer => ({ kind: "credited", reference, at: NOW });
const refused = (reference = "r-1"): TopUpAnswer => ({ kind: "refused", reference, code: "line-closed" });
const other = (status: number, problem?: string): TopUpAnswer => ({ kind: "other", status, problem });

const unknown = (status?: number) => (status === undefined ? { kind: "unknown" } : { kind: "unknown", status });
const fault = (status: number) => ({ kind: "fault", status });

const CASES: readonly (readonly [what: string, question: TopUpQuestion, answer: TopUpAnswer, outcome: object])[] = [
  ["a credit", "top-up", credited(), { kind: "credited" }],
  ["a credit that is found", "find", credited(), { kind: "credited" }],
  ["a credit of another reference", "top-up", credited("r-2"), unknown()],
  ["a credit of another reference that is found", "find", credited("r-2"), unknown()],
  ["a refusal", "top-up", refused(), { kind: "refused", code: "line-closed" }],
  ["a refusal that is found", "find", refused(), { kind: "refused", code: "line-closed" }],
  ["a refusal of another reference", "top-up", refused("r-2"), unknown()],
  ["a refusal of another reference that is found", "find", refused("r-2"), unknown()],
  ["the carrier's word that it never saw the reference", "find", other(404, UNKNOWN_REFERENCE), { kind: "unseen" }],
  ["the same word for an order, which it must not be", "top-up", other(404, UNKNOWN_REFERENCE), unknown(404)],
  ["the same word with another status", "find", other(200, UNKNOWN_REFERENCE), unknown(200)],
  ["a proxy's 404", "find", other(404), unknown(404)],
  ["a gateway's 404 as a problem", "find", other(404, "about:blank"), unknown(404)],
  ["a 404 for an order: a wrong address, perhaps", "top-up", other(404), unknown(404)],
  ["a reference that belongs to another order", "top-up", other(409), { kind: "conflict" }],
  ["a 409 where nothing was ordered", "find", other(409), unknown(409)],
  ["an order that it cannot read", "top-up", other(400), fault(400)],
  ["a question that it cannot read", "find", other(400), fault(400)],
  ["a wrong signature on an order", "top-up", other(401), fault(401)],
  ["a wrong signature on a question", "find", other(401), fault(401)],
  ["a gateway that bars us", "top-up", other(403), fault(403)],
  ["an address that takes no orders", "top-up", other(405), fault(405)],
  ["a body that is too large for a gateway", "top-up", other(413), fault(413)],
  ["a kind of body that a gateway does not take", "top-up", other(415), fault(415)],
  ["a field that it does not like", "top-up", other(422), fault(422)],
  ["a word about payment that is not in the contract", "top-up", other(402), unknown(402)],
  ["a gateway that waited too long for our request", "top-up", other(408), unknown(408)],
  ["too many calls", "top-up", other(429), unknown(429)],
  ["too many questions", "find", other(429), unknown(429)],
  ["a carrier that broke", "top-up", other(500), unknown(500)],
  ["a gateway without a carrier behind it", "top-up", other(502), unknown(502)],
  ["a carrier that is at work on it", "find", other(503), unknown(503)],
  ["a gateway that did not wait", "top-up", other(504), unknown(504)],
  ["a 200 that says nothing we know", "top-up", other(200), unknown(200)],
  ["a 200 for a question that says nothing we know", "find", other(200), unknown(200)],
  ["a 202", "top-up", other(202), unknown(202)],
  ["a redirect", "find", other(307), unknown(307)],
];

describe("what the carrier answers", () => {
  it.each(CASES)("%s (%s)", (_, question, answer, outcome) => expect(topUpOutcome(question, "r-1", answer)).toEqual(outcome));
});
