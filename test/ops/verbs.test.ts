import { describe, expect, it } from "@jest/globals";
import { UsageError } from "../../ops/verb.ts";
import { HELP, readOrder, VERBS } from "../../ops/verbs.ts";

const ENVIRONMENT = { USER: "grace" };

describe("npm run ops", () => {
  it.each([[[]], [["--help"]], [["help"]]])("shows all verbs with %j", (args) => {
    expect(readOrder(args, ENVIRONMENT)).toBe(HELP);
    for (const name of Object.keys(VERBS)) expect(HELP).toMatch(new RegExp(`^  ${name}\\b`, "m"));
  });

  it.each(Object.keys(VERBS))("%s explains itself with --help, whatever else is missing", (name) => {
    const help = readOrder([name, "--help"], {});
    expect(help).toMatch(new RegExp(`^${name}\\b`));
    expect(help).toContain("--outputs");
  });

  it.each(Object.keys(VERBS))("%s explains every flag that it takes, and refuses others", (name) => {
    const help = VERBS[name]?.help ?? "";
    for (const flag of ["--open", "--review", "--as", "--note", "--why", "--yes", "--limit", "--by"]) {
      if (help.includes(flag)) continue;
      expect(() => readOrder([name, `${flag}=x`], ENVIRONMENT)).toThrow(`Unknown option '${flag}'`);
    }
  });

  it.each([
    [["conjure"], 'There is no verb "conjure"; there are: list show resolve kill-switch pause resume redrive audit'],
    [["toString"], 'There is no verb "toString"'],
    [["list", "--nonsense"], "Unknown option '--nonsense'"],
    [["list", "all"], '"all" is one word too many'],
    [["list", "--open=yes"], "Option '--open' does not take an argument"],
    [["show"], "Name the recharge"],
    [["resolve", "r", "--note", "seen"], "--as must be credited, refunded or nothing-taken"],
    [["resolve", "r", "--as", "paid", "--note", "seen"], "--as must be credited, refunded or nothing-taken"],
    [["resolve", "r", "--as", "credited"], "--note must say what you found out"],
    [["resolve", "r", "--as", "credited", "--note", ""], "--note must say what you found out"],
    [["kill-switch"], "Say on, off or status"],
    [["kill-switch", "maybe"], "Say on, off or status"],
    [["kill-switch", "on"], "--why must say why"],
    [["kill-switch", "off", "--yes"], "--why must say why"],
    [["pause", "sub-ada"], "--why must say why"],
    [["pause", "--why", "fraud"], "Name the subscriber"],
    [["pause", "sub-ada", "--why"], "Option '--why <value>' argument missing"],
    [["redrive"], "Name the queue"],
    [["redrive", "RechargeQueue", "--limit", "0"], "--limit must be a whole number from 1 to 100000"],
    [["redrive", "RechargeQueue", "--limit", "all"], "--limit must be a whole number from 1 to 100000"],
    [["redrive", "RechargeQueue", "--limit", "1e3"], "--limit must be a whole number from 1 to 100000"],
  ])("says in one line what is wrong with %j", (args, message) => {
    const read = () => readOrder(args, ENVIRONMENT);
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
    expect(read).not.toThrow("\n");
  });

  it.each([
    ["resolve", ["r", "--as", "credited", "--note", "seen"]],
    ["kill-switch", ["on", "--why", "fire"]],
    ["pause", ["sub-ada", "--why", "fraud"]],
    ["resume", ["sub-ada"]],
    ["redrive", ["RechargeQueue"]],
  ])("%s wants to know who does it: by --by, or USER", (verb, args) => {
    expect(() => readOrder([verb, ...args], {})).toThrow("--by must say who does it");
    expect(readOrder([verb, ...args, "--by", "grace"], {})).toHaveProperty("act");
    expect(readOrder([verb, ...args], ENVIRONMENT)).toHaveProperty("act");
  });

  it("finds the stage in outputs.json, or where it is told", () => {
    expect(readOrder(["list"], {})).toMatchObject({ outputs: "outputs.json" });
    expect(readOrder(["list", "--outputs", "prod.json"], {})).toMatchObject({ outputs: "prod.json" });
  });
});
