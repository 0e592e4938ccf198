import { describe, expect, it } from "@jest/globals";
import { playInProcess } from "./in-process-stage.ts";
import { differences, STORIES } from "./ten-stories.ts";

const CHARGED = { taken: 5000, refunded: 0, disputed: false };
const ASKED_IN_VAIN = { taken: 0, refunded: 0, disputed: false };
const CREDITED = { credited: 5000, refusal: undefined };
const ACTIVE = { state: "active", reason: undefined };

const ENDS = {
  success: { status: "succeeded", atStripe: [CHARGED], atCarrier: [CREDITED], rule: ACTIVE },
  "soft decline": { status: "declined", atStripe: [ASKED_IN_VAIN], atCarrier: [], rule: ACTIVE },
  "hard decline": { status: "declined", atStripe: [ASKED_IN_VAIN], atCarrier: [], rule: { state: "suspended", reason: "card-refused-for-good" } },
  "3DS, passed by the customer": { status: "succeeded", atStripe: [ASKED_IN_VAIN, CHARGED], atCarrier: [CREDITED], rule: ACTIVE },
  "3DS, expired": { status: "expired", atStripe: [ASKED_IN_VAIN], atCarrier: [], rule: ACTIVE },
  "refused credit": {
    status: "refunded",
    atStripe: [{ ...CHARGED, refunded: 5000 }],
    atCarrier: [{ credited: 0, refusal: "line-barred" }],
    rule: { state: "suspended", reason: "carrier-refused" },
  },
  "Stripe's reply lost": { status: "succeeded", atStripe: [CHARGED], atCarrier: [CREDITED], rule: ACTIVE },
  "carrier's reply lost after the credit": { status: "succeeded", atStripe: [CHARGED], atCarrier: [CREDITED], rule: ACTIVE },
  "processing, then paid": { status: "succeeded", atStripe: [CHARGED], atCarrier: [CREDITED], rule: ACTIVE },
  dispute: { status: "succeeded", atStripe: [{ ...CHARGED, disputed: true }], atCarrier: [CREDITED], rule: { state: "suspended", reason: "payment-disputed" } },
};

describe("the ten stories, in process", () => {
  it("are all here", () => {
    expect(STORIES.map(({ name }) => name)).toEqual(Object.keys(ENDS));
  });

  it.each(Object.entries(ENDS))("%s: one recharge, with its end at Stripe and the carrier", async (name, { status, atStripe, atCarrier, rule }) => {
    const [story] = STORIES.filter((each) => each.name === name);
    if (story === undefined) throw new Error("There is no such story");
    const { end } = await playInProcess(story);
    expect(end).toMatchObject({ recharges: [{ bill: { status }, atStripe, atCarrier }], withoutBill: [], openState: undefined, rule });
  });

  it("end differently from one another, and differences says in what", async () => {
    const [success, , , , , refused] = await Promise.all(STORIES.map(playInProcess));
    if (success === undefined || refused === undefined) throw new Error("A story is missing");
    expect(differences(success.end, success.end)).toEqual([]);
    expect(differences(success.end, refused.end).map((text) => text.split(":")[0])).toEqual(["recharges", "rule", "told"]);
  });
});
