import { loadStacks } from "../../local/cloud/template.ts";

export const TABLE_NAMES = ["Esims", "Recharges", "Subscribers", "Cards", "Controls"] as const;
export type TableName = (typeof TABLE_NAMES)[number];

const REGION = "us-east-1";

/** As whom to speak to a local engine: to any, any access key is good. */
export const CONNECTION = { region: REGION, credentials: { accessKeyId: "local", secretAccessKey: "local" } };
/** The same as a function's environment. */
export const ACCESS = { AWS_REGION: REGION, AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };

const ADDRESS = "http://127.0.0.1";

/** The tables' definitions as they are deployed, with keys, indexes and projections: from an assembly's templates. */
export function deployedTables(assembly: string) {
  const stacks = loadStacks(assembly, { queueUrl: (queue) => `${ADDRESS}/${queue}`, attributes: () => ADDRESS });
  return (table: TableName) => {
    const found = stacks.list("AWS::DynamoDB::GlobalTable").filter(({ logicalId }) => new RegExp(`^${table}[0-9A-F]{8}$`).test(logicalId));
    const [definition] = found;
    if (definition === undefined || found.length > 1) throw new Error(`The stacks have ${found.length} tables ${table}`);
    return definition.properties;
  };
}
