import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { costTables } from "../../bench/costs.ts";
import { HISTORY_DAYS } from "../../functions/adapters/dynamodb-recharges.ts";
import { NOTICE_DAYS } from "../../functions/adapters/dynamodb-subscribers.ts";
import { STRIPE_EVENT_TYPES } from "../../functions/contracts/stripe-events.ts";
import { SIZES } from "../../infra/sizes.ts";
import { readDeployOrder } from "../../ops/deployment.ts";
import { testAssembly } from "../assembly.ts";
import { readTemplates } from "../infra/templates.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const page = read("docs/deploy.md");
const templates = readTemplates(testAssembly());

/** The cells of the tables' rows whose first cell matches. */
function rows(first: RegExp): string[][] {
  const all = [...page.matchAll(/^\| (.*) \|$/gm)].map(([, row = ""]) => row.split(" | "));
  return all.filter(([cell = ""]) => first.test(cell));
}

describe("docs/deploy.md", () => {
  it("has Stripe send exactly the events that are listened to", () => {
    const listed = page.match(/```text\n([\s\S]*?)\n```/)?.[1]?.split("\n");
    expect(listed?.toSorted()).toEqual([...STRIPE_EVENT_TYPES].toSorted());
  });

  it("gives the restricted key every resource of Stripe's that the adapters use, to write where they write", () => {
    const used = new Map<string, "read" | "write">();
    for (const file of globSync("functions/adapters/stripe-*.ts", { cwd: ROOT })) {
      for (const [, resource = "", method = ""] of read(file).matchAll(
        /\b(paymentIntents|refunds|customers|setupIntents|paymentMethods|charges|disputes|mandates)\.(\w+)\(/g,
      )) {
        if (method !== "list" && method !== "retrieve") used.set(resource, "write");
        else used.set(resource, used.get(resource) ?? "read");
      }
      for (const [, expanded = ""] of read(file).matchAll(/expand: \["(?:data\.)?(?:latest_)?(\w+)"\]/g))
        used.set(`${expanded}s`, used.get(`${expanded}s`) ?? "read");
    }
    const promised = rows(/^[A-Z]\w+s$/)
      .filter(([, permission]) => permission === "read" || permission === "write")
      .map(([resource = "", permission]) => [resource[0]?.toLowerCase() + resource.slice(1), permission]);
    expect(Object.fromEntries(promised)).toEqual(Object.fromEntries(used));
  });

  it("says what a month costs as bench/costs.ts counts it (npm run costs -- --write)", () => {
    expect(page).toContain(`\n${costTables()}\n`);
  });

  it("names the concurrency that is to be raised as it is", () => {
    expect(page).toContain(
      `\`maxConcurrency\` of \`CheckBalancesQueue\` (${SIZES["check-balances"].queue?.maxConcurrency}) and \`RechargeQueue\` (${SIZES.recharge.queue?.maxConcurrency};`,
    );
  });

  it("tells of every table whose data stands there", () => {
    const tables = templates.ofType("AWS::DynamoDB::GlobalTable").map(({ id }) => id.replace(/[0-9A-F]{8}$/, ""));
    expect(tables.filter((table) => rows(new RegExp(`^\`${table}\``)).length === 0)).toEqual([]);
  });

  it.each([
    [/^`Recharges`, `step#000`/, HISTORY_DAYS],
    [/^`Subscribers`, notices/, NOTICE_DAYS],
  ])("says of %s how long its time to live is: %i days", (first, days) => {
    expect(rows(first).map(([, , , howLong]) => howLong)).toEqual([`${days} days (TTL)`]);
  });

  it("says how long logs, the archive, queues and the tables' recovery are kept, as they are deployed", () => {
    const howLong = (first: RegExp) => rows(first).map((cells) => cells[3]);
    const retained = (type: string, property: string) => new Set(templates.ofType(type).map(({ Properties }) => Properties[property]));
    expect(retained("AWS::Logs::LogGroup", "RetentionInDays")).toEqual(new Set([30]));
    expect(howLong(/^logs$/)).toEqual(["30 days"]);
    expect(retained("AWS::Events::Archive", "RetentionDays")).toEqual(new Set([30]));
    expect(howLong(/^bus archive$/)).toEqual(["30 days"]);
    expect(retained("AWS::SQS::Queue", "MessageRetentionPeriod")).toEqual(new Set([4 * 86_400, 14 * 86_400]));
    expect(howLong(/^queues, dead letters$/)).toEqual(["4 days; 14 for dead letters and what waits for a person"]);
    const replicas = templates.read(
      "AWS::DynamoDB::GlobalTable",
      z.object({ Replicas: z.array(z.object({ PointInTimeRecoverySpecification: z.strictObject({ PointInTimeRecoveryEnabled: z.literal(true) }) })) }),
    );
    expect(replicas.length).toBeGreaterThan(0); // without a period of its own: DynamoDB's 35 days
    expect(howLong(/^tables' recovery$/)).toEqual(["35 days"]);
  });

  it("shows only commands of npm run deploy that make sense", () => {
    const commands = [...page.matchAll(/npm run deploy -- ([^`\n]*)/g)].map(([, args = ""]) => args.trim().split(/\s+/));
    expect(commands.length).toBeGreaterThan(3);
    for (const args of commands) expect(() => readDeployOrder(args, ["dev", "prod"])).not.toThrow();
  });

  it("names only fields that stages have", () => {
    const stages = read("infra/stages.ts");
    const fields = [...page.matchAll(/^\| `(\w+)`(?: \([^)]*\))? \| (?:another|with another|is in)/gm)].map(([, field]) => field);
    expect(fields.length).toBeGreaterThan(3);
    expect(fields.filter((field) => !stages.includes(`readonly ${field}`))).toEqual([]);
  });
});

describe("the links of the pages", () => {
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s-]/gu, "")
      .replaceAll(" ", "-");
  const headingsOf = (path: string) => new Set([...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => slug(heading)));

  it.each(["README.md", "SECURITY.md", ...globSync("docs/*.md", { cwd: ROOT })])("of %s lead to a file, and to a heading of it", (path) => {
    const broken = [...read(path).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].filter(([, file = "", heading]) => {
      const target = file === "" ? path : relative(ROOT, join(ROOT, dirname(path), file));
      if (globSync(target, { cwd: ROOT }).length === 0) return true;
      return heading !== undefined && !headingsOf(target).has(heading);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });
});
