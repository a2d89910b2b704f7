"use strict";

const $ = (id) => document.getElementById(id);
// The token stays in this tab, a login is a cookie that no script sees; text from the service only ever becomes text, never markup.
const TOKEN = "custody-token";
const LOGIN = "custody-login"; // that there is one, for all tabs
const POLL_MS = 1000;

let leave = new AbortController(); // ends what the view that is left has begun
let blobs = [];

/** A request with the token, if there is one, or by the login; a problem becomes an error with its fields. */
async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...options.headers };
  const response = await fetch(path, { signal: leave.signal, ...options, headers });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const text = [problem.title ?? `Answer ${response.status}`, problem.detail].filter(Boolean).join(": ");
  throw Object.assign(new Error(text), { status: response.status, problem });
}

const json = async (path, options) => (await ask(path, options)).json();

function fail(error) {
  if (error.name === "AbortError") return;
  $("error").textContent = error.message;
  $("error").hidden = false;
}

function show(view) {
  leave.abort();
  leave = new AbortController();
  blobs.forEach(URL.revokeObjectURL);
  blobs = [];
  $("error").hidden = true;
  for (const name of ["list", "report"]) $(name).hidden = name !== view;
}

function blobUrl(blob) {
  const url = URL.createObjectURL(blob);
  blobs.push(url);
  return url;
}

const time = (ms) => (ms == null ? "–" : new Date(ms).toLocaleString());

function duration(ms) {
  if (ms == null) return "–";
  const seconds = Math.round(ms / 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function size(bytes) {
  if (bytes == null) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
}

function define(list, rows) {
  list.replaceChildren(...rows.flatMap(([name, value]) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value === "" || value == null ? "–" : value;
    return [term, text];
  }));
}

// The list

async function list(next) {
  if (!next) {
    show("list");
    $("sessions").replaceChildren();
  }
  const query = new URLSearchParams({ limit: 50 });
  if ($("filter-user").value) query.set("user", $("filter-user").value);
  if ($("filter-state").value) query.set("state", $("filter-state").value);
  if (next) query.set("cursor", next);
  const page = await json(`/v1/sessions?${query}`);
  $("sessions").append(...page.sessions.map(row));
  $("empty").hidden = $("sessions").childElementCount > 0 || page.next !== null;
  $("more").hidden = page.next === null;
  $("more").onclick = () => list(page.next).catch(fail);
}

function row(session) {
  const line = document.createElement("tr");
  const cells = [time(session.start_ms), session.user_name, session.device_address, session.protocol,
    duration(session.duration_ms), session.state];
  for (const text of cells) line.insertCell().textContent = text || "–";
  const link = document.createElement("a");
  link.href = `#/sessions/${session.id}`;
  link.textContent = line.cells[0].textContent;
  line.cells[0].replaceChildren(link);
  return line;
}

// The report

async function report(id) {
  show("report");
  for (const name of ["frame", "player", "save", "progress"]) $(name).hidden = true;
  $("player").removeAttribute("src");
  $("message").textContent = "";
  const found = await json(`/v1/sessions/${encodeURIComponent(id)}`);
  const { session_info: info, user_info: user, session } = found;
  define($("info"), [["Session", info.id], ["State", info.state], ["Start", time(info.start_ms)],
    ["End", time(info.end_ms)], ["Protocol", info.protocol], ["Device", info.device_address],
    ["Credential user", info.credential_user], ["Error message", info.error_message]]);
  define($("user"), [["Name", user.name], ["Address", user.address]]);
  define($("session"), [["Size", size(session.size_bytes)], ["Duration", duration(session.duration_ms)],
    ["Format", session.format], ["Recording", session.recording_state]]);
  const video = found.video.videos.find((one) => one.state === "ready") ?? found.video.videos[0];
  showVideo(video);
  const ended = info.state !== "live";
  for (const name of ["watch", "download"]) $(name).disabled = !ended;
  if (!ended) $("message").textContent = "Only ended sessions have a video.";
  $("watch").onclick = () => start(id, false).catch(fail);
  $("download").onclick = () => start(id, true).catch(fail);
  $("report-title").focus();
  if (video?.state === "pending") wait(video.id).catch(fail);
  picture(id, session.duration_ms);
}

function showVideo(video) {
  define($("video"), [["State", video?.state ?? "none yet"], ["Final size", size(video?.size_bytes)],
    ["Final duration", duration(video?.duration_ms)], ["Format", video?.format], ["SHA-256", video?.sha256]]);
  $("message").textContent = video?.message ?? "";
}

/** A still from the middle; that a recording has none is no error. */
async function picture(id, length) {
  try {
    const ms = Math.floor((length ?? 0) / 2);
    const response = await ask(`/v1/sessions/${encodeURIComponent(id)}/frames/${ms}.png`);
    $("frame").src = blobUrl(await response.blob());
    $("frame").alt = `Picture of the session after ${duration(ms)}`;
    $("frame").onerror = () => { $("frame").hidden = true; };
    $("frame").hidden = false;
  } catch {
    $("frame").hidden = true;
  }
}

// The video

function confirmed() {
  $("ask").returnValue = "no";
  $("ask").showModal();
  return new Promise((done) => {
    $("ask").addEventListener("close", () => done($("ask").returnValue === "yes"), { once: true });
  });
}

async function start(id, isDownload) {
  $("error").hidden = true;
  const { videos } = await json(`/v1/sessions/${encodeURIComponent(id)}/videos`);
  let video = videos.find((one) => one.state === "ready");
  if (!video) {
    if (!(await confirmed())) return;
    const options = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    video = await json(`/v1/sessions/${encodeURIComponent(id)}/videos`, options);
    video = await wait(video.id);
  }
  if (video.state !== "ready") return;
  // By a login the browser asks itself, for the parts that it plays. It sends no token, so with one the file is fetched here.
  const url = sessionStorage.getItem(TOKEN) === null ? video.content : await fetched(video);
  if (isDownload) {
    $("save").href = url;
    $("save").download = `session-${video.session}.${video.format}`;
    $("save").hidden = false;
    $("save").click();
  } else {
    $("player").src = url;
    $("player").hidden = false;
    $("player").scrollIntoView({ block: "nearest" });
    await $("player").play().catch(() => {});
  }
}

/** Shows progress until a video is ready or never will be. */
async function wait(id) {
  const { signal } = leave;
  for (;;) {
    const video = await json(`/v1/videos/${encodeURIComponent(id)}`, { signal });
    showVideo(video);
    const isPending = video.state === "pending";
    $("progress").hidden = !isPending;
    if (!isPending) return video;
    if (video.queue_position > 0) $("message").textContent += ` (${video.queue_position} before it)`;
    bar(video.progress?.done_ms, video.progress?.total_ms);
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

function bar(done, total) {
  if (total > 0) {
    $("progress").max = total;
    $("progress").value = done;
  } else {
    $("progress").removeAttribute("value");
  }
}

/** The whole file, as an address of this page. */
async function fetched(video) {
  const response = await ask(video.content);
  const [reader, parts, total] = [response.body.getReader(), [], video.size_bytes];
  $("progress").hidden = false;
  for (let done = 0; ;) {
    bar(done, total);
    $("message").textContent = `Fetched ${size(done)} of ${size(total)}`;
    const piece = await reader.read();
    if (piece.done) break;
    parts.push(piece.value);
    done += piece.value.length;
  }
  $("progress").hidden = true;
  $("message").textContent = "The video is here.";
  return blobUrl(new Blob(parts, { type: `video/${video.format}` }));
}

// Where we are

async function route() {
  const has = sessionStorage.getItem(TOKEN) !== null || localStorage.getItem(LOGIN) !== null;
  $("forget").hidden = !has;
  $("login-form").hidden = has;
  $("who").textContent = "";
  if (!has) {
    show("");
    return;
  }
  try {
    // Mails link to the video of a session; its report shows it.
    const session = location.hash.match(/^#\/sessions\/([0-9a-f]{32})(\/videos\/[0-9a-f]{32})?$/);
    await (session ? report(session[1]) : list());
    const who = await json("/v1/whoami");
    $("who").textContent = [who.name, who.roles.join(", ")].filter(Boolean).join(" · ");
  } catch (error) {
    if (error.status === 401) localStorage.removeItem(LOGIN);
    $("login-form").hidden = error.status !== 401;
    fail(error);
  }
}

$("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ name: $("name").value, password: $("password").value });
  $("password").value = "";
  try {
    sessionStorage.removeItem(TOKEN);
    await ask("/v1/login", { method: "POST", headers: { "content-type": "application/json" }, body });
    localStorage.setItem(LOGIN, "yes");
    route();
  } catch (error) {
    fail(error);
  }
});
$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, $("token").value.trim());
  $("token").value = "";
  route();
});
$("forget").addEventListener("click", async () => {
  sessionStorage.removeItem(TOKEN);
  if (localStorage.getItem(LOGIN) !== null) await ask("/v1/logout", { method: "POST" }).catch(() => {});
  localStorage.removeItem(LOGIN);
  location.hash = "";
  route();
});
$("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  list().catch(fail);
});
window.addEventListener("hashchange", route);
route();
