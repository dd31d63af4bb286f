// A mapping that an answer has ended is gone: what was typed on its other steps may not stay in the tab either.
const [, prefix] = location.pathname.split("/");
try {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(`draft:/${prefix}/`)) sessionStorage.removeItem(key);
  }
} catch (error) {
  // A browser may forbid it; then nothing was kept.
  console.warn(error);
}
