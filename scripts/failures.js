'use strict';
/** Every way in which the install can fail: what was tried, and what to do about it. */

const LIBTORCH_HINT = 'or point LIBTORCH at an unpacked libtorch';

/**
 * `says` is the message, `debian` the missing package.
 *
 * @type {Record<string, { says: (details: any) => string, remedy: (details: any) => string, debian?: string }>}
 */
const FAILURES = {
  node: {
    says: ({ version, required, program }) => `Node ${version} (${program}) is too old: ${required} is needed.`,
    remedy: () => 'Install a newer Node (https://nodejs.org, or a version manager), and run the install again with it.',
  },
  windows: {
    says: () => 'Windows is not supported.',
    remedy: () => 'Use WSL 2 (a Linux inside Windows) and install there.',
  },
  platform: {
    says: ({ platform, supported }) => `There is no libtorch to fetch for ${platform}; there is for ${supported}.`,
    remedy: () => 'Build or unpack a libtorch for this platform and install with LIBTORCH=DIR.',
  },
  libc: {
    says: ({ found }) => `libtorch needs the GNU C library 2.28 or newer; this system has ${found}.`,
    remedy: () => 'Use a newer distribution with glibc (Debian 10, Ubuntu 20.04, RHEL 8 or later; not Alpine).',
  },
  variant: {
    says: ({ variant, platform, supported }) =>
      `LIBTORCH_VARIANT=${variant}: ${platform} has no such variant, only ${supported}.`,
    remedy: ({ supported }) => `Leave LIBTORCH_VARIANT out, or set it to one of: ${supported}.`,
  },
  python: {
    debian: 'python3-pip',
    says: ({ tried }) => `No Python 3 was found (tried ${tried}); libtorch is fetched with its pip.`,
    remedy: () =>
      `Install it (Debian: apt install python3 python3-pip; Fedora: dnf install python3-pip; macOS: brew install python), ${LIBTORCH_HINT}.`,
  },
  pip: {
    debian: 'python3-pip',
    says: ({ python, output }) => `${python} has no pip; libtorch is fetched with it.${quoteOutput(output)}`,
    remedy: () =>
      `Install it (Debian: apt install python3-pip; Fedora: dnf install python3-pip; elsewhere: python3 -m ensurepip), ${LIBTORCH_HINT}.`,
  },
  compiler: {
    debian: 'g++',
    says: ({ tried }) => `No C++ compiler was found (tried ${tried}).`,
    remedy: ({ set }) =>
      set
        ? 'Set CXX to the name or path of one program, without arguments, or unset it.'
        : 'Install one (Debian: apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install).',
  },
  standard: {
    says: ({ compiler, output }) =>
      `${compiler} does not compile C++20, which libtorch's headers need.${quoteOutput(output)}`,
    remedy: () => 'Install GCC 11, Clang 14 or a newer one, and set CXX to it where it is not the default.',
  },
  cmake: {
    debian: 'cmake',
    says: ({ found }) =>
      found ? `CMake ${found} is too old: 3.18 is the oldest.` : 'CMake was not found (tried cmake).',
    remedy: () => 'Install it (Debian: apt install cmake; Fedora: dnf install cmake; macOS: brew install cmake).',
  },
  make: {
    debian: 'ninja-build',
    says: () => 'Neither ninja nor make was found.',
    remedy: () =>
      'Install one (Debian: apt install ninja-build; Fedora: dnf install ninja-build; macOS: brew install ninja).',
  },
  folder: {
    says: ({ way, folder, missing }) => `${way}: ${folder} is no libtorch: ${missing} is missing.`,
    remedy: () => 'Name the folder that has include/ and lib/ in it, or unset the variable to have libtorch fetched.',
  },
  version: {
    says: ({ way, folder, found, required }) => `${way}: ${folder} is libtorch ${found}, but ${required} is needed.`,
    remedy: ({ required }) =>
      `Use libtorch ${required}, or set LIBTORCH_BYPASS_VERSION_CHECK=1 to try this one; it may not compile.`,
  },
  pytorch: {
    says: ({ python }) => `LIBTORCH_USE_PYTORCH=1: ${python} has no package torch.`,
    remedy: ({ required }) =>
      `Activate the environment that has it (or: pip install torch==${required}), or unset LIBTORCH_USE_PYTORCH.`,
  },
  hash: {
    says: ({ file, expected, actual }) =>
      `${file} is not the pinned file, and was deleted.\n  expected sha256 ${expected}\n  actual   sha256 ${actual}`,
    remedy: () =>
      'Try again; if that does not help, ask whoever runs the package index or proxy. Do not change the hash.',
  },
  space: {
    says: ({ folder, needed, free }) =>
      `${folder} has too little space: about ${needed} is needed${free ? `, ${free} is free` : ''}.`,
    remedy: () => 'Free some, or set LIBTORCH_RESNET_CACHE to a folder on another disk.',
  },
  cache: {
    says: ({ folder, output }) => `The cache ${folder} cannot be written.${quoteOutput(output)}`,
    remedy: () => 'Make it writable, or set LIBTORCH_RESNET_CACHE to another folder.',
  },
  offline: {
    says: ({ output }) => `The package index cannot be reached.${quoteOutput(output)}`,
    remedy: () =>
      `Check the network and the proxy (pip config list), ${LIBTORCH_HINT}; to install libtorch later, set LIBTORCH_RESNET_SKIP_INSTALL=1.`,
  },
  download: {
    says: ({ output }) => `pip could not fetch libtorch.${quoteOutput(output)}`,
    remedy: () =>
      `Check pip's settings (pip config list), update it (python3 -m pip install -U pip), ${LIBTORCH_HINT}.`,
  },
  unpack: {
    says: ({ output }) => `libtorch could not be unpacked.${quoteOutput(output)}`,
    remedy: () => `Try again; Python 3.8 or newer is needed, ${LIBTORCH_HINT}.`,
  },
  build: {
    says: ({ folder }) => `The addon could not be built against ${folder}; see the compiler's output above.`,
    remedy: () =>
      'Run it again in the foreground: npm rebuild libtorch-resnet --foreground-scripts (in a clone: npm run build:native).',
  },
  load: {
    says: ({ output }) => `The addon was built, but does not load.${quoteOutput(output)}`,
    remedy: ({ folder, way, version }) =>
      ['LIBTORCH', 'LIBTORCH_USE_PYTORCH'].includes(way)
        ? `Make ${folder} a complete libtorch ${version} (with the libraries that it needs itself), or unset ${way} to have one fetched.`
        : `Remove ${folder} and install again: it will be fetched anew. Where a GLIBCXX version is missing, build with the compiler of this system (CXX).`,
  },
};

/** The last lines of another program's output, indented. */
function quoteOutput(output) {
  const lines = (output || '').trim().split('\n').filter(Boolean).slice(-12);
  return lines.map((line) => `\n  ${line}`).join('');
}

/** An expected failure. Any other error is a bug, and is shown with its stack. */
class Failure extends Error {
  constructor(code, details = {}) {
    super(FAILURES[code].says(details));
    this.name = 'Failure';
    this.code = code;
    this.remedy = FAILURES[code].remedy(details);
  }

  report() {
    return `libtorch-resnet: ${this.message}\nWhat to do: ${this.remedy}`;
  }
}

/** Several failures, reported together so that everything missing can be installed at once. */
class Failures extends Error {
  constructor(failures) {
    super(failures.map(({ message }) => message).join('\n'));
    this.name = 'Failures';
    this.failures = failures;
  }

  report() {
    const packages = this.failures.map(({ code }) => FAILURES[code].debian).filter(Boolean);
    return [
      ...this.failures.map((failure) => failure.report()),
      ...(packages.length > 1 ? [`All at once, on Debian: apt install ${packages.join(' ')}`] : []),
    ].join('\n');
  }
}

/** Runs all checks, and throws their failures together. */
function checkAll(checks, env) {
  const failures = [];
  for (const check of checks) {
    try {
      check(env);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new Failures(failures);
}

module.exports = { FAILURES, Failure, checkAll };
