import { spawnSync } from 'node:child_process';
import { answerOf, infer, serve } from '../serve/support';
import { temporaryFolder } from '../support/files';
import { run } from '../support/node';

/**
 * schemathesis sends requests that the OpenAPI document allows and ones that it does not: each response must be one that
 * the document describes, and none an internal error.
 *
 * Where it is: SCHEMATHESIS, a folder that install.sh has made, or the Python on the PATH. On a machine that must have
 * it (REQUIRE_SCHEMATHESIS=1) its absence is a failure and not a reason to skip. TEST_LONG=1 runs for longer.
 */
const env = process.env.SCHEMATHESIS ? { PYTHONPATH: process.env.SCHEMATHESIS } : {};
const python = process.env.PYTHON ?? 'python3';
const found = spawnSync(python, ['-c', 'import schemathesis'], { env: { ...process.env, ...env } }).status === 0;
const folder = temporaryFolder(); // it writes a cache to its working directory
const required = process.env.REQUIRE_SCHEMATHESIS === '1';
const [examples, seconds] = process.env.TEST_LONG === '1' ? ['1000', 1800] : ['5', 120];

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
];

(found || required ? test : test.skip)(
  'every answer to what schemathesis asks is one that the OpenAPI document has',
  async () => {
    if (!found) throw new Error(`REQUIRE_SCHEMATHESIS=1, but ${python} has no schemathesis`);
    const { url } = await serve();
    const options = ['--phases', 'examples,coverage,fuzzing', '--checks', CHECKS.join(',')];
    const limits = ['--max-examples', examples, '--seed', '1', '--request-timeout', '10', '--no-color'];
    const args = ['-m', 'schemathesis.cli', 'run', `${url}/openapi.json`, ...options, ...limits];
    const { code, stdout, stderr } = await run(python, args, { env, cwd: folder });
    if (code !== 0) throw new Error(`${stdout}\n${stderr}`);
    expect(stdout).toMatch(/\b\d+ generated\b/);
    const data = Array.from({ length: 12 }, (_, i) => i);
    const answer = await infer(url, { inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 3, 2, 2], data }] });
    expect(await answer.json()).toMatchObject({ outputs: [{ data: answerOf(data) }] });
  },
  seconds * 1000,
);
