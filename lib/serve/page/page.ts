/** The server's page. It uses only the server's public routes and no other host. */
import type { ClassifyAnswer } from '../../client/answers';
import type { ModelCard } from '../routes/model-card';

const element = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
const models = element('model') as HTMLSelectElement;
const key = element('key') as HTMLInputElement;
const file = element('file') as HTMLInputElement;
const [preview, heat] = [element('preview'), element('heat')] as [HTMLImageElement, HTMLImageElement];
const [drop, status, bars] = [element('drop'), element('answer'), element('bars')];

let cards: readonly ModelCard[] = [];
/** The number of the latest picture: answers to earlier ones are ignored. */
let latest = 0;

async function request(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (key.value !== '') headers.set('X-API-Key', key.value);
  const response = await fetch(path, { ...options, headers });
  if (response.status === 401) element('key-field').hidden = false;
  return response;
}

/** Fills a description list with names and values. */
function figures(list: HTMLElement, pairs: readonly (readonly [string, string])[]): void {
  list.replaceChildren(
    ...pairs.map(([name, value]) => {
      const [row, term, figure] = ['div', 'dt', 'dd'].map((tag) => document.createElement(tag)) as [
        HTMLElement,
        HTMLElement,
        HTMLElement,
      ];
      term.textContent = name;
      figure.textContent = value;
      row.append(term, figure);
      return row;
    }),
  );
}

function showStatus(text: string): void {
  const line = document.createElement('p');
  line.textContent = text;
  status.replaceChildren(line);
}

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const percent = (score: number): string => `${(100 * score).toFixed(1)} %`;

async function classify(picture: Blob): Promise<void> {
  const current = ++latest;
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(picture);
  preview.alt = picture instanceof File ? picture.name : 'the picture';
  preview.hidden = false;
  bars.replaceChildren();
  heat.hidden = true;
  element('times').replaceChildren();
  showStatus('Looking …');
  const start = performance.now();
  try {
    const response = await request(`classify?model=${encodeURIComponent(models.value)}`, {
      method: 'POST',
      body: picture,
      headers: { 'Content-Type': 'application/octet-stream' },
    });
    const answer = (await response.json()) as ClassifyAnswer & { error?: string };
    if (current !== latest) return; // another picture was chosen meanwhile
    if (!response.ok) {
      showStatus(answer.error ?? `The server answered ${response.status}.`);
      return;
    }
    showAnswer(answer, performance.now() - start);
    await explain(picture, current, answer.results[0]?.predictions[0]?.label ?? '');
  } catch {
    if (current === latest) showStatus('The server cannot be reached.');
  }
}

/** Shows the class activation map of the best class. */
async function explain(picture: Blob, current: number, label: string): Promise<void> {
  const response = await request(`explain?model=${encodeURIComponent(models.value)}`, {
    method: 'POST',
    body: picture,
    headers: { 'Content-Type': 'application/octet-stream' },
  });
  if (current !== latest || !response.ok) return;
  URL.revokeObjectURL(heat.src);
  heat.src = URL.createObjectURL(await response.blob());
  heat.alt = `Where the picture looks like ${label}`;
  heat.hidden = false;
}

function showAnswer({ results, times }: ClassifyAnswer, totalMs: number): void {
  const predictions = results[0]?.predictions ?? [];
  const [best] = predictions;
  showStatus(best === undefined ? 'Nothing.' : `${best.label}, ${percent(best.score)}`);
  bars.replaceChildren(
    ...predictions.map(({ label, score }) => {
      const row = document.createElement('li');
      const [name, share, track, fill] = ['span', 'span', 'div', 'div'].map((tag) => document.createElement(tag)) as [
        HTMLElement,
        HTMLElement,
        HTMLElement,
        HTMLElement,
      ];
      name.textContent = label;
      share.textContent = percent(score);
      track.className = 'track';
      fill.className = 'fill';
      fill.style.width = percent(score).replace(' ', '');
      track.append(fill);
      row.append(name, share, track);
      return row;
    }),
  );
  figures(element('times'), [
    ['decode', ms(times.decodeMs)],
    ['queue', ms(times.queueMs)],
    ['inference', ms(times.inferMs)],
    ['in all', ms(totalMs)],
  ]);
}

function showCard(): void {
  const card = cards.find(({ name }) => name === models.value);
  if (card === undefined) return;
  element('random').hidden = !card.random;
  figures(element('card'), [
    ['layers', String(card.layers)],
    ['parameters', card.parameters.toLocaleString('en-US')],
    ['classes', card.classes.toLocaleString('en-US')],
    ['dtype', card.dtype],
    ['device', card.device],
  ]);
  element('summary').textContent = card.summary;
}

async function loadCards(): Promise<void> {
  const response = await request('models.json');
  if (!response.ok) return;
  cards = (await response.json()) as ModelCard[];
  models.replaceChildren(...cards.map(({ name }) => new Option(name)));
  showCard();
}

/** The sum of a metric over all models, from Prometheus' text format. */
function total(text: string, name: string): number {
  const lines = text.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

let previous: { at: number; pictures: number; requests: number; us: number } | undefined;

/** Shows the rates since the previous call. */
async function updateLive(): Promise<void> {
  const response = await request('metrics').catch(() => undefined);
  if (response?.ok !== true) return;
  const text = await response.text();
  const now = {
    at: performance.now(),
    pictures: total(text, 'nv_inference_count'),
    requests: total(text, 'nv_inference_request_success'),
    us: total(text, 'nv_inference_request_duration_us'),
  };
  if (previous !== undefined) {
    const requests = now.requests - previous.requests;
    figures(element('live'), [
      ['pictures a second', (((now.pictures - previous.pictures) * 1000) / (now.at - previous.at)).toFixed(1)],
      ['latency', requests > 0 ? ms((now.us - previous.us) / requests / 1000) : '–'],
      ['waiting', String(total(text, 'nv_inference_pending_request_count'))],
      ['answered in all', now.requests.toLocaleString('en-US')],
    ]);
  }
  previous = now;
}

function classifyFirst(list: FileList | undefined): void {
  const [picture] = list ?? [];
  if (picture !== undefined) void classify(picture);
}

file.addEventListener('change', () => {
  classifyFirst(file.files ?? undefined);
  file.value = ''; // so that choosing the same file again is a change
});
// On the whole page: the browser would open a picture that is dropped beside the frame.
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  drop.classList.add('dragging');
});
document.addEventListener('dragleave', () => drop.classList.remove('dragging'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('dragging');
  classifyFirst(event.dataTransfer?.files);
});
document.addEventListener('paste', (event) => classifyFirst(event.clipboardData?.files));
models.addEventListener('change', showCard);
key.addEventListener('change', () => void loadCards());

void loadCards();
void updateLive();
setInterval(() => {
  if (!document.hidden) void updateLive();
}, 1000);
