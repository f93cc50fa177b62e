/**
 * Python modules whose globals no weight file may name, with all of their submodules: they run code, load code, or reach
 * files, processes or the network. Other unknown globals become inert values; these end the reading, although nothing
 * of them would run either, because a file that names them was made to attack its reader.
 */
const REFUSED_MODULES: ReadonlySet<string> = new Set(
  `
  builtins __builtin__ __builtins__ sys _frozen_importlib _frozen_importlib_external importlib imp _imp zipimport pkgutil
  pkg_resources runpy site code codeop pdb bdb trace timeit profile cProfile doctest pydoc setuptools distutils pip
  ensurepip venv idlelib lib2to3
  os posix nt posixpath ntpath subprocess _posixsubprocess _winapi commands popen2 pty platform multiprocessing
  concurrent threading _thread signal atexit sched asyncio
  ctypes _ctypes cffi _cffi_backend mmap gc inspect types functools _functools operator _operator
  socket _socket socketserver ssl _ssl http urllib urllib2 urllib3 httplib httpx requests aiohttp ftplib smtplib telnetlib
  poplib imaplib nntplib xmlrpc webbrowser
  io _io _pyio shutil tempfile fileinput linecache glob fcntl
  pickle _pickle cPickle pickletools dill cloudpickle joblib marshal shelve dbm copyreg copy_reg
  torch.hub torch.jit torch._C torch.storage torch.serialization torch.package torch.fx torch.compiler torch._dynamo
  torch._inductor torch.distributed.rpc torch.multiprocessing torch.utils.model_zoo torch.utils.cpp_extension
  torch.utils.collect_env torch.utils.bottleneck torch.utils._config_module torch._utils_internal
  numpy.testing numpy.distutils numpy.f2py numpy.ctypeslib numpy.lib.npyio numpy.lib.format
  `
    .trim()
    .split(/\s+/),
);

/** Attributes of the `torch` module itself that are plain data; its functions load files and compile code. */
const TORCH_DATA =
  /^(\w+_format|channels_last(_3d)?|strided|sparse_\w+|per_(tensor|channel)_\w+|q?u?int\d+(x\d+)?|quint\w+|u?int\d+|float\d\w*|complex\d+|Tensor|Generator|\w+Tensor)$/;

/**
 * Whether a file that names this global is refused, wherever the name stands. The module decides: a dotted name reaches
 * into other modules (`argparse`, `_sys.modules`), so each of its parts is looked up as well.
 */
export function isRefusedGlobal(module: string, name: string): boolean {
  if (module === 'torch' && !TORCH_DATA.test(name)) return true;
  const packages = module.split('.');
  if (packages.some((_, i) => REFUSED_MODULES.has(packages.slice(0, i + 1).join('.')))) return true;
  const attributes = name.split('.');
  return attributes.some(
    (attribute, i) =>
      /^__.*__$/s.test(attribute) ||
      (attributes.length > 1 && REFUSED_MODULES.has(attribute.replace(/^_/, ''))) ||
      (i > 0 && REFUSED_MODULES.has([module, ...attributes.slice(0, i)].join('.'))),
  );
}
