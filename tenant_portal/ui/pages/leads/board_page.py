"""Leads by stage, on a board."""

import reflex as rx

from tenant_portal.ui import routes
from tenant_portal.ui.components import button, notice_area, panel, skeleton_rows, status_badge, text_link
from tenant_portal.ui.components.kanban import board, card, column, grip
from tenant_portal.ui.layout import page
from tenant_portal.ui.pages.leads.board_state import BoardState, ColumnItem
from tenant_portal.ui.pages.leads.filters import filter_bar
from tenant_portal.ui.pages.leads.items import LeadItem
from tenant_portal.ui.pages.leads.list_page import label_row, next_step, source
from tenant_portal.ui.pages.leads.views import view_links


def board_page() -> rx.Component:
    """One column for each stage."""
    return page(
        "Leads",
        view_links("board"),
        notice_area(BoardState.notice, "bad", on_close=BoardState.close_notice),
        filter_bar(BoardState),
        rx.cond(
            BoardState.is_loaded,
            board(rx.foreach(BoardState.columns, _column), on_move=BoardState.move),
            panel(skeleton_rows(8, "32px")),
        ),
        active=routes.LEADS,
        intro="Drag a card to another stage, or pick it up with Enter on its grip and choose with the arrow keys.",
        width="wide",
    )


def _column(item: rx.Var[ColumnItem]) -> rx.Component:
    head = rx.el.header(
        rx.el.span(class_name=rx.Var.create("stage-dot tone-") + item.colour, aria_hidden="true"),
        rx.el.h2(item.name, class_name="board-title truncate"),
        rx.el.span(item.count, class_name="board-count num"),
        rx.el.span(item.value, class_name="board-value num"),
        class_name="board-head",
    )
    return column(
        head,
        rx.cond(
            item.cards.length() > 0,
            rx.el.ul(rx.foreach(item.cards, _card), class_name="board-cards"),
            rx.el.p(rx.cond(BoardState.filtered, "Nobody here fits.", "Nobody here yet."), class_name="board-empty"),
        ),
        rx.cond(
            item.has_more,
            button("Show more", look="quiet", small=True, on_click=BoardState.show_more(item.id), margin="0 8px 8px"),
        ),
        column_id=item.id,
        name=item.name,
    )


def _card(item: rx.Var[LeadItem]) -> rx.Component:
    return card(
        rx.el.div(
            text_link(item.name, item.href, title=item.name),
            grip(item.name),
            class_name="board-card-head",
        ),
        rx.cond(item.value != "", rx.el.div(item.value, class_name="board-card-value num")),
        next_step(item),
        label_row(item),
        rx.cond(item.opted_out_at != "", status_badge("Unsubscribed", "warn")),
        rx.el.div(
            source(item),
            rx.cond(item.owner_name != "", rx.el.span(item.owner_name, class_name="truncate")),
            class_name="board-card-foot",
        ),
        card_id=item.id,
        name=item.name,
    )
