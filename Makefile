# Each target is one command of tasks.py, which also works without make: python3 tasks.py book

PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help book site test check lab kernels guide slides offline pdf jupyterlite normalize requirements clean

help:  ## say what each target does
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book:  ## set up, build the book, serve it on a free local port and print the address
	@$(PYTHON) tasks.py book

site:  ## set up and build the book into _build/html, without serving it
	@$(PYTHON) tasks.py site

test:  ## set up, build, and run every test: pytest, nbval on every notebook, a real browser
	@$(PYTHON) tasks.py test

check:  ## the quick tests, to run before each commit
	@$(PYTHON) tasks.py check

lab:  ## open the chapters in JupyterLab
	@$(PYTHON) tasks.py lab

offline:  ## set up and build the book as one archive, to read without a network
	@$(PYTHON) tasks.py offline

pdf:  ## set up, build, and print the whole book as one PDF; the site then links it
	@$(PYTHON) tasks.py pdf

jupyterlite:  ## build a JupyterLab with every notebook that runs in the browser; the site then links it
	@$(PYTHON) tasks.py jupyterlite

guide:  ## build the instructor's guide, a book of its own, into _build/instructor
	@$(PYTHON) tasks.py guide

slides:  ## make slides of the chapters into _build/slides
	@$(PYTHON) tasks.py slides

kernels:  ## boot a Linux from before the patch and one from after it in QEMU, and count
	@$(PYTHON) tasks.py kernels

normalize:  ## run the notebooks again and write them in their normal form
	@$(PYTHON) tasks.py normalize

requirements:  ## resolve requirements.in anew and pin it in requirements.txt
	@$(PYTHON) tasks.py requirements

clean:  ## remove everything that set-up and builds have made
	@$(PYTHON) tasks.py clean
