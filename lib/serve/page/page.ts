/** The page of a server: it asks the routes that everybody may ask, and nobody else. */
interface Card {
  name: string;
  layers: number;
  dtype: string;
  device: string;
  classes: number;
  parameters: number;
  random: boolean;
  summary: string;
}

interface Answer {
  results: { predictions: { label: string; score: number }[] }[];
  times: { decodeMs: number; queueMs: number; inferMs: number };
}

const of = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
const models = of('model') as HTMLSelectElement;
const key = of('key') as HTMLInputElement;
const file = of('file') as HTMLInputElement;
const [preview, heat] = [of('preview'), of('heat')] as [HTMLImageElement, HTMLImageElement];
const [drop, status, bars] = [of('drop'), of('answer'), of('bars')];

let cards: readonly Card[] = [];
let asked = 0;

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (key.value !== '') headers.set('X-API-Key', key.value);
  const response = await fetch(path, { ...options, headers });
  if (response.status === 401) of('key-field').hidden = false;
  return response;
}

/** Names and figures, each a pair for eyes and screen readers. */
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

function say(text: string): void {
  const line = document.createElement('p');
  line.textContent = text;
  status.replaceChildren(line);
}

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const percent = (score: number): string => `${(100 * score).toFixed(1)} %`;

async function classify(picture: Blob): Promise<void> {
  const own = ++asked;
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(picture);
  preview.alt = picture instanceof File ? picture.name : 'the picture';
  preview.hidden = false;
  bars.replaceChildren();
  heat.hidden = true;
  of('times').replaceChildren();
  say('Looking …');
  const begun = performance.now();
  try {
    const response = await ask(`classify?model=${encodeURIComponent(models.value)}`, {
      method: 'POST',
      body: picture,
      headers: { 'Content-Type': 'application/octet-stream' },
    });
    const answer = (await response.json()) as Answer & { error?: string };
    if (own !== asked) return; // another picture came meanwhile
    if (!response.ok) {
      say(answer.error ?? `The server answered ${response.status}.`);
      return;
    }
    show(answer, performance.now() - begun);
    await explain(picture, own, answer.results[0]?.predictions[0]?.label ?? '');
  } catch {
    if (own === asked) say('The server cannot be reached.');
  }
}

/** Draws where the picture looks like what it was called. */
async function explain(picture: Blob, own: number, label: string): Promise<void> {
  const response = await ask(`explain?model=${encodeURIComponent(models.value)}`, {
    method: 'POST',
    body: picture,
    headers: { 'Content-Type': 'application/octet-stream' },
  });
  if (own !== asked || !response.ok) return;
  URL.revokeObjectURL(heat.src);
  heat.src = URL.createObjectURL(await response.blob());
  heat.alt = `Where the picture looks like ${label}`;
  heat.hidden = false;
}

function show({ results, times }: Answer, wholeMs: number): void {
  const predictions = results[0]?.predictions ?? [];
  const [best] = predictions;
  say(best === undefined ? 'Nothing.' : `${best.label}, ${percent(best.score)}`);
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
  figures(of('times'), [
    ['decode', ms(times.decodeMs)],
    ['queue', ms(times.queueMs)],
    ['inference', ms(times.inferMs)],
    ['in all', ms(wholeMs)],
  ]);
}

function showCard(): void {
  const card = cards.find(({ name }) => name === models.value);
  if (card === undefined) return;
  of('random').hidden = !card.random;
  figures(of('card'), [
    ['layers', String(card.layers)],
    ['parameters', card.parameters.toLocaleString('en-US')],
    ['classes', card.classes.toLocaleString('en-US')],
    ['dtype', card.dtype],
    ['device', card.device],
  ]);
  of('summary').textContent = card.summary;
}

async function loadCards(): Promise<void> {
  const response = await ask('models.json');
  if (!response.ok) return;
  cards = (await response.json()) as Card[];
  models.replaceChildren(...cards.map(({ name }) => new Option(name)));
  showCard();
}

/** A counter's value, over all models, from Prometheus' text. */
function total(text: string, name: string): number {
  const lines = text.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

let before: { at: number; pictures: number; requests: number; us: number } | undefined;

/** What happened since the last time. */
async function live(): Promise<void> {
  const response = await ask('metrics').catch(() => undefined);
  if (response?.ok !== true) return;
  const text = await response.text();
  const now = {
    at: performance.now(),
    pictures: total(text, 'nv_inference_count'),
    requests: total(text, 'nv_inference_request_success'),
    us: total(text, 'nv_inference_request_duration_us'),
  };
  if (before !== undefined) {
    const requests = now.requests - before.requests;
    figures(of('live'), [
      ['pictures a second', (((now.pictures - before.pictures) * 1000) / (now.at - before.at)).toFixed(1)],
      ['latency', requests > 0 ? ms((now.us - before.us) / requests / 1000) : '–'],
      ['waiting', String(total(text, 'nv_inference_pending_request_count'))],
      ['answered in all', now.requests.toLocaleString('en-US')],
    ]);
  }
  before = now;
}

function take(list: FileList | undefined): void {
  const [picture] = list ?? [];
  if (picture !== undefined) void classify(picture);
}

file.addEventListener('change', () => {
  take(file.files ?? undefined);
  file.value = ''; // so that the same one can be chosen again
});
// Anywhere on the page: a picture that misses the frame would otherwise replace the page.
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  drop.classList.add('over');
});
document.addEventListener('dragleave', () => drop.classList.remove('over'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  take(event.dataTransfer?.files);
});
document.addEventListener('paste', (event) => take(event.clipboardData?.files));
models.addEventListener('change', showCard);
key.addEventListener('change', () => void loadCards());

void loadCards();
void live();
setInterval(() => {
  if (!document.hidden) void live();
}, 1000);

export {};
