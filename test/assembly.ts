/** The cloud assembly that jest's global setup synthesized for this run. Read only: a test that changes one copies it first. */
export function testAssembly(): string {
  const folder = process.env.TEST_ASSEMBLY;
  if (folder === undefined) throw new Error("Run the tests with npm test: its global setup synthesizes the stacks");
  return folder;
}
