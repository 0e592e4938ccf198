import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { testAssembly } from "../assembly.ts";
import { endLocal, runLocal, temporaryFolder } from "../e2e/local-process.ts";

const TIMEOUT_MILLISECONDS = 120_000;

describe("npm run demo", () => {
  // That it plays the story to its end is shown by playing it: `npm run demo` is a step of the gate.
  it(
    "exits 1 when a step does not come true: nobody works on the recharge queue",
    async () => {
      using folder = temporaryFolder();
      const assembly = join(folder.path, "cdk.out");
      cpSync(testAssembly(), assembly, { recursive: true });
      const file = join(assembly, "AutoRecharge-dev-Service.template.json");
      const template = z.parse(z.looseObject({ Resources: z.record(z.string(), z.unknown()) }), JSON.parse(readFileSync(file, "utf8")));
      const mapping = Object.keys(template.Resources).filter((id) => id.startsWith("RechargeSqsEventSource"));
      expect(mapping).toHaveLength(1);
      for (const id of mapping) delete template.Resources[id];
      writeFileSync(file, JSON.stringify(template));

      const demo = runLocal("demo", ["--assembly", assembly, "--wait-seconds", "6"]);
      const code = await demo.ended;
      await endLocal(demo, "SIGKILL");
      expect(demo.output()).toContain("The story broke: There was no");
      expect(code).toBe(1);
    },
    TIMEOUT_MILLISECONDS,
  );
});
