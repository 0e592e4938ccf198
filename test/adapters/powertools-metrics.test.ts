import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { powertoolsMetrics } from "../../functions/adapters/powertools-metrics.ts";

describe("metrics by Powertools", () => {
  afterEach(() => void jest.restoreAllMocks());

  it("are a line for all that is put at once, with the function, its other dimensions and nothing of the line before", () => {
    Object.assign(process.env, { POWERTOOLS_DEV: "true", POWERTOOLS_METRICS_DISABLED: "false" }); // writes to this console instead of one of its own
    process.env.POWERTOOLS_METRICS_NAMESPACE = "auto-recharge-dev";
    const lines: unknown[] = [];
    jest.spyOn(console, "log").mockImplementation((line: unknown) => void lines.push(JSON.parse(String(line))));
    const metrics = powertoolsMetrics("recharge");
    metrics.put({ MoneyCharged: 5000 }, { currency: "CNY" });
    metrics.put({ StripeMilliseconds: 700, StripeFaults: 0 }, {});
    const told = (Dimensions: string[][], ...Metrics: object[]) => ({
      Timestamp: expect.any(Number),
      CloudWatchMetrics: [{ Namespace: "auto-recharge-dev", Dimensions, Metrics }],
    });
    expect(lines).toEqual([
      { _aws: told([["service", "currency"]], { Name: "MoneyCharged", Unit: "None" }), service: "recharge", currency: "CNY", MoneyCharged: 5000 },
      {
        _aws: told([["service"]], { Name: "StripeMilliseconds", Unit: "Milliseconds" }, { Name: "StripeFaults", Unit: "Count" }),
        service: "recharge",
        StripeMilliseconds: 700,
        StripeFaults: 0,
      },
    ]);
  });
});
