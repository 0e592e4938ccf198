import { describe, expect, it } from "@jest/globals";
import { chargeable, chargeStep, smallestCharge } from "../../functions/domain/charge.ts";
import { money } from "../../functions/domain/money.ts";

/** As a person reads them in Stripe's table, in whole units of the currency. Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
const LEAST = `
  AED 2.00   AUD 0.50   BGN 1.00   BRL 0.50   CAD 0.50   CHF 0.50   CZK 15.00   DKK 2.50   EUR 0.50   GBP 0.30   HKD 4.00   HUF 175.00   INR 0.50
  JPY 50     MXN 10.00  MYR 2.00   NOK 3.00   NZD 0.50   PLN 2.00   RON 2.00    SEK 3.00   SGD 0.50   THB 10.00  USD 0.50   CNY 4.00
`;

describe("what can be charged", () => {
  it.each([...LEAST.matchAll(/([A-Z]{3}) ([\d.]+)/g)].map(([, currency = "", least = ""]) => [currency, least]))("in %s is at least %s", (currency, least) => {
    expect(smallestCharge(currency)).toEqual(money(Number(least.replace(".", "")), currency));
  });

  it("in other currencies is at least 50 minor units, and one step", () => {
    expect(["KRW", "TWD", "KWD"].map((currency) => smallestCharge(currency).amount)).toEqual([50, 50, 50]);
    expect(["ISK", "UGX"].map((currency) => smallestCharge(currency).amount)).toEqual([100, 100]);
  });

  it("counts in tens where there are three decimals, in whole units for ISK and UGX, and else to the unit", () => {
    expect(["BHD", "JOD", "KWD", "OMR", "TND"].map(chargeStep)).toEqual([10, 10, 10, 10, 10]);
    expect(["ISK", "UGX"].map(chargeStep)).toEqual([100, 100]);
    expect(["CNY", "USD", "JPY", "HUF", "TWD"].map(chargeStep)).toEqual([1, 1, 1, 1, 1]);
    expect(chargeable(money(1239, "KWD"))).toEqual(money(1230, "KWD"));
  });
});
