// What the real page does in the browser: votes appear, texts open, lists grow and are sorted.
"use strict";

(() => {
  const PAGE_SIZE = 25;
  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

  for (const button of findAll("[data-consent]")) {
    button.addEventListener("click", () => {
      document.cookie = `consent=${button.dataset.consent}; path=/; max-age=15552000; samesite=lax`;
      find("[data-testid=consent-banner]").remove();
    });
  }

  const list = find(".list");
  if (!list || !(find("#__NEXT_DATA__") || self.__flight)) return;

  const blank = document.createElement("template");
  blank.innerHTML = atob(find("#card-markup").textContent);

  const { nodes, pageInfo, imdbId } = firstPage();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  let { endCursor, hasNextPage } = pageInfo;
  let sort = {
    by: find("#sort-by-selector").value,
    order: find("#swap-sort-order-button").ariaLabel.startsWith("Asc") ? "ASC" : "DESC",
  };

  for (const card of findAll(".user-review-item", list)) hydrate(card);

  find("#title-reviews-hide-spoilers").addEventListener("change", (event) => {
    list.classList.toggle("hide-spoilers", event.target.checked);
  });
  for (const select of findAll("#sort-by-selector")) {
    select.addEventListener("change", () => resort({ ...sort, by: select.value }));
  }
  for (const button of findAll("#swap-sort-order-button")) {
    button.addEventListener("click", () => resort({ ...sort, order: sort.order === "ASC" ? "DESC" : "ASC" }));
  }
  const pagination = find("[data-testid=tturv-pagination]");
  const pager = find(".pagination-container", pagination);
  if (pager) {
    find(".single-page-see-more-button button", pager).addEventListener("click", () => load(false));
    find(".chained-see-more-button button", pager).addEventListener("click", () => load(true));
  }

  function firstPage() {
    const script = find("#__NEXT_DATA__");
    if (!script) {
      const [, edges, info, id] = self.__flight;
      return { nodes: JSON.parse(edges).map((edge) => edge.node), pageInfo: JSON.parse(info), imdbId: id };
    }
    const data = JSON.parse(script.textContent);
    const { edges, pageInfo } = data.props.pageProps.contentData.data.title.reviews;
    return { nodes: edges.map((edge) => edge.node), pageInfo, imdbId: data.query.tconst };
  }

  async function ask(after) {
    const variables = { after, const: imdbId, filter: {}, first: PAGE_SIZE, locale: "en-US", sort };
    const query = new URLSearchParams({
      operationName: "TitleReviewsRefine",
      variables: JSON.stringify(variables),
    });
    const answer = await fetch(`/graphql?${query}`, { headers: { accept: "application/graphql+json" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return (await answer.json()).data.title.reviews;
  }

  function append(reviews) {
    for (const { node } of reviews.edges) {
      byId.set(node.id, node);
      const card = build(node, list.childElementCount + 1);
      list.append(card);
      hydrate(card);
    }
    ({ endCursor, hasNextPage } = reviews.pageInfo);
    if (pager && hasNextPage) pagination.append(pager);
    else pager?.remove();
  }

  async function working(task) {
    const buttons = pager ? findAll("button", pager) : [];
    for (const button of buttons) button.disabled = true;
    find(".load-error", pagination)?.remove();
    try {
      await task();
    } catch (error) {
      const line = document.createElement("p");
      line.className = "load-error";
      line.textContent = `Something went wrong (${error.message}). Please try again.`;
      pagination.append(line);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  function load(all) {
    return working(async () => {
      do append(await ask(endCursor));
      while (all && hasNextPage);
    });
  }

  function resort(wanted) {
    sort = wanted;
    for (const select of findAll("#sort-by-selector")) select.value = sort.by;
    for (const button of findAll("#swap-sort-order-button")) {
      button.textContent = sort.order === "ASC" ? "↑" : "↓";
      button.ariaLabel = `${sort.order === "ASC" ? "Ascending" : "Descending"} sort order`;
    }
    return working(async () => {
      const reviews = await ask(null);
      list.replaceChildren();
      append(reviews);
    });
  }

  function build(node, position) {
    const card = blank.content.cloneNode(true).firstElementChild;
    const link = `/title/${imdbId}/review/${node.id}/`;
    const name = node.author.username.text;
    const stars = find(".review-rating", card);
    if (node.authorRating === null) stars.remove();
    else {
      stars.ariaLabel = `${name}'s rating: ${node.authorRating}`;
      find(".ipc-rating-star--rating", stars).textContent = node.authorRating;
    }
    find("[data-testid=review-summary] a", card).href = `${link}?ref_=tturv_${position}`;
    find("h3", card).textContent = node.summary.originalText;
    const text = find("[data-testid=review-overflow]", card);
    if (node.spoiler) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "ipc-btn review-spoiler-button";
      button.ariaLabel = "Expand Spoiler";
      button.innerHTML = '<span class="ipc-btn__text">Spoiler</span>';
      text.replaceWith(button);
    } else {
      find(".ipc-html-content-inner-div", text).innerHTML = node.text.originalText.plaidHtml;
    }
    const author = find("[data-testid=author-link]", card);
    author.href = `/user/${node.author.userId}/?ref_=tturv_usr_${position}_t`;
    author.textContent = name;
    find(".review-date", card).textContent = shownDate(node.submissionDate);
    find("[data-testid=permalink-link]", card).href = `${link}?ref_=tturv_perm_${position}`;
    return card;
  }

  // As on the real page, midnight UTC is shown in a US zone: one day early.
  function shownDate(day) {
    const options = { timeZone: "America/Los_Angeles", year: "numeric", month: "short", day: "numeric" };
    return new Date(`${day}T00:00:00Z`).toLocaleDateString("en-US", options);
  }

  function hydrate(card) {
    const id = find("[data-testid=permalink-link]", card).pathname.split("/")[4];
    const node = byId.get(id);
    const voting = document.createElement("span");
    voting.className = "ipc-voting";
    voting.innerHTML =
      '<span class="ipc-voting__label__text">Helpful</span><span>•</span>' +
      '<span class="ipc-voting__label__count ipc-voting__label__count--up"></span>' +
      '<span class="ipc-voting__label__count ipc-voting__label__count--down"></span>';
    find(".ipc-voting__label__count--up", voting).textContent = short(node.helpfulness.upVotes);
    find(".ipc-voting__label__count--down", voting).textContent = short(node.helpfulness.downVotes);
    find("[data-testid=user-voting-loader]", card).replaceWith(voting);

    const text = find(".ipc-overflowText", card);
    if (text && text.scrollHeight > text.clientHeight + 4) {
      text.classList.add("cut");
      find(".ipc-overflowText-overlay", text).addEventListener("click", () => {
        text.classList.replace("cut", "open");
      });
    }
    find(".review-spoiler-button", card)?.addEventListener("click", (event) => {
      const shown = find("[data-testid=review-spoiler-content]", card);
      if (shown) return shown.remove();
      event.currentTarget.insertAdjacentHTML(
        "afterend",
        '<div data-testid="review-spoiler-content"><div class="spoiler-warning">Warning: Spoilers</div>' +
          '<div class="ipc-html-content" role="presentation">' +
          `<div class="ipc-html-content-inner-div" role="presentation">${node.text.originalText.plaidHtml}</div></div></div>`,
      );
    });
  }

  function short(count) {
    return count < 1000 ? String(count) : `${(count / 1000).toFixed(1).replace(/\.0$/, "")}K`;
  }
})();
