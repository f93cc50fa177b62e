import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Metrics } from '../../lib/serve/metrics';
import { LIMITS } from '../../lib/serve/options';
import { openapi } from '../../lib/serve/openapi';
import { temporaryFolder } from '../support/files';
import { root, run } from '../support/node';
import { kserveFaults, kubernetesFaults, VERSIONS } from './schemas';

/** The manifests, by the schemas that Kubernetes and KServe publish, and by what our server has. */
const read = (path: string): any => parse(readFileSync(join(root, 'deploy', path), 'utf8'));
const listed = (folder: string): [string, any][] =>
  readdirSync(join(root, 'deploy', folder)).map((file) => [`${folder}/${file}`, read(`${folder}/${file}`)]);

const folder = temporaryFolder();
const [kubernetes, kserve] = [listed('kubernetes'), listed('kserve')];
const deployment = read('kubernetes/deployment.yaml');
const autoscaler = read('kubernetes/autoscaler.yaml');
const runtime = read('kserve/serving-runtime.yaml');
const service = read('kserve/inference-service.yaml');
const [container] = deployment.spec.template.spec.containers;
const [kserveContainer] = runtime.spec.containers;

/** DEPLOY_SCHEMAS: the folder that install.sh has made. REQUIRE_DEPLOY=1 makes its absence a failure, not a skip. */
const schemas = process.env.DEPLOY_SCHEMAS ?? '';
const found = schemas !== '' && existsSync(join(schemas, 'kserve'));
const required = process.env.REQUIRE_DEPLOY === '1';

(found || required ? describe : describe.skip)('by the published schemas', () => {
  beforeAll(() => {
    if (!found) throw new Error('REQUIRE_DEPLOY=1, but DEPLOY_SCHEMAS names no schemas');
  });

  test.each(VERSIONS.flatMap((version) => kubernetes.map(([path, object]) => [version, path, object] as const)))(
    'Kubernetes %s: %s',
    (version, _, object) => expect(kubernetesFaults(schemas, version, object)).toEqual([]),
  );

  test.each(kserve)('KServe: %s', (_, object) => expect(kserveFaults(schemas, object)).toEqual([]));

  const changed = (object: any, change: (copy: any) => void): any => {
    const copy = structuredClone(object);
    change(copy);
    return copy;
  };

  test('a field that no schema has is found, deep inside too', () => {
    const pod = changed(deployment, (one) => (one.spec.template.spec.containers[0].livenesProbe = {}));
    expect(kubernetesFaults(schemas, 'v1.37.0', pod)).not.toEqual([]);
    const model = changed(service, (one) => (one.spec.predictor.model.storage_uri = 'x'));
    expect(kserveFaults(schemas, model)).not.toEqual([]);
  });
});

test('the metric is one that the server has, and the same everywhere', async () => {
  const name = 'nv_inference_pending_request_count';
  const text = await new Metrics(() => [['resnet50', 3]]).text();
  expect(text).toContain(`${name}{model="resnet50",version="1"} 3`);
  expect(autoscaler.spec.metrics.map((metric: any) => metric.pods.metric.name)).toEqual([name]);
  const { rules } = read('prometheus-adapter.yaml');
  expect(rules.custom.map(({ seriesQuery }: any) => seriesQuery)).toEqual([`${name}{namespace!="",pod!=""}`]);
  const [{ external }] = service.spec.predictor.autoScaling.metrics;
  expect(external.metric.query).toBe(`sum(${name}{model="${service.metadata.name}"})`);
});

test('the probes ask paths that need no key, at the port that is served', () => {
  const { paths } = openapi('0') as { paths: Record<string, { get?: { security?: unknown } }> };
  for (const [one, port] of [
    [container, 'http'],
    [kserveContainer, 8080],
  ] as const) {
    for (const [probe, path] of [
      ['startupProbe', '/v2/health/live'],
      ['livenessProbe', '/v2/health/live'],
      ['readinessProbe', '/v2/health/ready'],
    ] as const) {
      expect(one[probe].httpGet).toEqual({ path, port });
      expect(paths[path]!.get).toBeDefined();
    }
  }
  expect(container.ports).toEqual([{ name: 'http', containerPort: 8000 }]);
  expect(kserveContainer.args.slice(-2)).toEqual(['--port', '8080']);
  expect(read('kubernetes/service.yaml').spec.ports[0].targetPort).toBe('http');
});

test('there is time to answer what was accepted', () => {
  const { terminationGracePeriodSeconds } = deployment.spec.template.spec;
  const before: number = container.lifecycle.preStop.sleep.seconds;
  const drain = LIMITS.drainMs.default / 1000;
  expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(before + drain + 5);
  expect(service.spec.predictor.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(drain + 5);
});

test('containers run as a user that is not root, on a read-only root file system', () => {
  const security = { runAsNonRoot: true, runAsUser: 1000 };
  expect([deployment.spec.template.spec.securityContext, kserveContainer.securityContext]).toMatchObject([
    security,
    security,
  ]);
  for (const one of [container, kserveContainer]) {
    const drop = ['ALL'];
    expect(one.securityContext).toMatchObject({ readOnlyRootFilesystem: true, capabilities: { drop } });
  }
});

test('the Service and the disruption budget select the pods', () => {
  const { labels } = deployment.spec.template.metadata;
  expect(labels).toMatchObject(read('kubernetes/service.yaml').spec.selector);
  expect(labels).toMatchObject(read('kubernetes/disruption-budget.yaml').spec.selector.matchLabels);
});

test.each([
  ['Deployment', container.args as string[]],
  ['ServingRuntime', (kserveContainer.args as string[]).map((word) => word.replace('{{.Name}}', 'resnet50'))],
])('the arguments of the %s are those of our command line', async (_, words) => {
  const elsewhere = join(folder, 'none');
  const args = words.map((word) => word.replace(/(\/weights|\/mnt\/models)/, elsewhere));
  expect(args.join(' ')).toContain(elsewhere);
  const ended = await run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args]);
  // All of it was understood: what is missing are the weights.
  expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining(elsewhere)]);
});
