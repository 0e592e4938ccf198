import { describe, expect, it } from "@jest/globals";
import { METRICS } from "../../functions/domain/metrics.ts";
import { testAssembly } from "../assembly.ts";
import { readTemplates } from "./templates.ts";

const { ofType } = readTemplates(testAssembly());
const dashboards = JSON.stringify(ofType("AWS::CloudWatch::Dashboard"));

describe("the dashboard", () => {
  it("is one", () => expect(ofType("AWS::CloudWatch::Dashboard")).toHaveLength(1));

  it.each(Object.keys(METRICS))("shows %s", (name) => {
    expect(dashboards).toContain(`\\"${name}\\"`);
  });
});
