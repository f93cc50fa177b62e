import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Metrics } from '../../lib/serve/metrics';
import { LIMITS } from '../../lib/serve/options';
import { openapi } from '../../lib/serve/openapi';
import { temporaryFolder } from '../support/files';
import { root, run } from '../support/node';
import { kserveFaults, kubernetesFaults, VERSIONS } from './schemas';

/** Checks the manifests against the schemas of Kubernetes and KServe, and against our server. */
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

  test.each<[string, any, (copy: any) => void]>([
    ['a field that is none', deployment, (one) => (one.spec.template.spec.containers[0].livenesProbe = {})],
    ['a wrong type', deployment, (one) => (one.spec.template.spec.terminationGracePeriodSeconds = 'long')],
    ['what must be there', deployment, (one) => delete one.spec.selector],
    ['a metric of the old version', autoscaler, (one) => (one.spec.metrics[0].pods.metricName = 'x')],
    ['a kind that is none', autoscaler, (one) => (one.kind = 'PodAutoscaler')],
  ])('a mistake is found in one of Kubernetes: %s', (_, object, change) =>
    expect(kubernetesFaults(schemas, 'v1.37.0', changed(object, change))).not.toEqual([]),
  );

  test.each<[string, any, (copy: any) => void]>([
    ['a field that is none', runtime, (one) => (one.spec.protocolVersion = 'v2')],
    ['a wrong type', runtime, (one) => (one.spec.multiModel = 'no')],
    ['what must be there', runtime, (one) => delete one.spec.containers],
    ['a version that is none', runtime, (one) => (one.apiVersion = 'serving.kserve.io/v1')],
    ['a field that is none, deep', service, (one) => (one.spec.predictor.model.storage_uri = 'x')],
    [
      'a field that is none, in the metric',
      service,
      (one) => (one.spec.predictor.autoScaling.metrics[0].external.url = ''),
    ],
    ['a wrong number', service, (one) => (one.spec.predictor.minReplicas = '2')],
    ['no name', service, (one) => delete one.metadata.name],
  ])('a mistake is found in one of KServe: %s', (_, object, change) =>
    expect(kserveFaults(schemas, changed(object, change))).not.toEqual([]),
  );
});

test('the metric exists and is the same everywhere', async () => {
  const name = 'nv_inference_pending_request_count';
  const text = await new Metrics(() => [['resnet50', 3]]).text();
  expect(text).toContain(`${name}{model="resnet50",version="1"} 3`);
  expect(autoscaler.spec.metrics.map((metric: any) => metric.pods.metric.name)).toEqual([name]);
  const { rules } = read('prometheus-adapter.yaml');
  expect(rules.custom.map(({ seriesQuery }: any) => seriesQuery)).toEqual([`${name}{namespace!="",pod!=""}`]);
  const [{ external }] = service.spec.predictor.autoScaling.metrics;
  expect(external.metric.query).toBe(`sum(${name}{model="${service.metadata.name}"})`);
});

test('the autoscaler acts before a pod rejects requests, and KServe passes its target on', () => {
  const maxQueueSize = 4 * 8; // the default, four batches
  const wanted = Number(autoscaler.spec.metrics[0].pods.target.averageValue);
  expect(wanted).toBeGreaterThan(0);
  expect(wanted).toBeLessThan(maxQueueSize / 2);
  // KServe 0.16 reads `value` of an external metric, and nothing else.
  expect(Number(service.spec.predictor.autoScaling.metrics[0].external.target.value)).toBe(wanted);
});

test("the probes use paths without a key, on the server's port", () => {
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

test("no variables of Services that could be taken for the server's", () => {
  expect(deployment.spec.template.spec.enableServiceLinks).toBe(false);
});

test('there is time to answer accepted requests', () => {
  const { terminationGracePeriodSeconds } = deployment.spec.template.spec;
  const before: number = container.lifecycle.preStop.sleep.seconds;
  const drain = LIMITS.drainMs.default / 1000;
  expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(before + drain + 5);
  expect(service.spec.predictor.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(drain + 5);
});

test('not root, only /tmp is writable, weights are read-only', () => {
  const pod = deployment.spec.template.spec;
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
  expect(kserveContainer.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
  for (const one of [container, kserveContainer]) {
    expect(one.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(one.resources.limits).toHaveProperty('memory');
    const writable = one.volumeMounts.filter(({ readOnly }: any) => readOnly !== true);
    expect(writable.map(({ mountPath }: any) => mountPath)).toEqual(['/tmp']);
  }
  expect(container.volumeMounts[0]).toMatchObject({ mountPath: '/weights', readOnly: true });
  expect(pod.volumes[0].persistentVolumeClaim.readOnly).toBe(true);
});

test('the selectors match', () => {
  const { labels } = deployment.spec.template.metadata;
  for (const selector of [
    deployment.spec.selector.matchLabels,
    read('kubernetes/service.yaml').spec.selector,
    read('kubernetes/disruption-budget.yaml').spec.selector.matchLabels,
  ]) {
    expect(labels).toMatchObject(selector);
  }
  expect(autoscaler.spec.scaleTargetRef.name).toBe(deployment.metadata.name);
  expect(service.spec.predictor.model.runtime).toBe(runtime.metadata.name);
});

test.each([
  ['Deployment', container.args as string[]],
  ['ServingRuntime', (kserveContainer.args as string[]).map((word) => word.replace('{{.Name}}', 'resnet50'))],
])('the arguments of the %s are valid for our command line', async (_, words) => {
  const elsewhere = join(folder, 'none');
  const args = words.map((word) => word.replace(/(\/weights|\/mnt\/models)/, elsewhere));
  expect(args.join(' ')).toContain(elsewhere);
  const ended = await run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args]);
  // The arguments were valid: only the weights are missing.
  expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining(elsewhere)]);
});
