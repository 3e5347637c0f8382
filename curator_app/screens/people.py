"""people"""
import gradio as gr


def build_people_page(pages, *, workspace, desk, person_of):
    gr.HTML("people")
