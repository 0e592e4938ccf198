import { inspect } from "node:util";
import { SNSClient } from "@aws-sdk/client-sns";
import { describe, expect, it } from "@jest/globals";
import { snsTextMessages } from "../../functions/adapters/sns-text-messages.ts";

/** SNS that answers by `answer`, and shows what it was asked. */
function snsThat(answer: () => { MessageId: string }) {
  const requests: object[] = [];
  const client = new SNSClient({ region: "us-east-1" });
  client.middlewareStack.add(
    (_, { commandName }) =>
      async ({ input }) => {
        requests.push({ commandName, ...input });
        return { response: {}, output: { $metadata: {}, ...answer() } };
      },
    { step: "initialize" },
  );
  return { textMessages: snsTextMessages(client), requests };
}

describe("a text message through SNS", () => {
  it("goes to one phone, ahead of advertisements", async () => {
    const { textMessages, requests } = snsThat(() => ({ MessageId: "0100" }));
    await textMessages.send({ to: "+8613800000000", text: "尾号0017的eSIM：已充值 ¥50.00。" });
    expect(requests).toEqual([
      {
        commandName: "PublishCommand",
        PhoneNumber: "+8613800000000",
        Message: "尾号0017的eSIM：已充值 ¥50.00。",
        MessageAttributes: { "AWS.SNS.SMS.SMSType": { DataType: "String", StringValue: "Transactional" } },
      },
    ]);
  });

  it("that SNS refuses is a fault, so that the notice is tried again; it names the kind of fault and nobody's number", async () => {
    const { textMessages } = snsThat(() => {
      throw Object.assign(new Error("Invalid parameter: PhoneNumber +8613800000000"), { name: "InvalidParameterException" });
    });
    const fault: unknown = await textMessages.send({ to: "+8613800000000", text: "…" }).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(Error);
    expect(String(fault)).toContain("InvalidParameterException");
    expect(inspect(fault)).not.toContain("138");
  });
});
