// Shows how many letters are left, or too many, below a text near its limit (form.js).

const fill = (text, n) => text.replace("{n}", n);

// From this share of a limit form.js loads the file.
const COUNT_FROM = 0.8;

export function count(area, line) {
  const limit = Number(area.dataset.limit);
  const counter = line("counter", "status");
  counter.id = `${area.id}_left`;
  area.after(counter);
  area.setAttribute("aria-describedby", `${area.getAttribute("aria-describedby") ?? ""} ${counter.id}`.trim());
  let pause;
  const show = () => {
    const used = [...area.value].length;
    const left = limit - used;
    const { leftMany, leftOne, overMany, overOne } = area.form.dataset;
    const words = left < 0 ? [overMany, overOne] : [leftMany, leftOne];
    const text = used < limit * COUNT_FROM ? "" : Math.abs(left) === 1 ? words[1] : fill(words[0], Math.abs(left));
    counter.classList.toggle("counter--over", left < 0);
    if (counter.textContent !== text) counter.textContent = text;
  };
  const showSoon = () => {
    clearTimeout(pause);
    pause = setTimeout(show, 400);
  };
  area.addEventListener("input", showSoon);
  // Text that is added with its element is not read aloud.
  showSoon();
}
