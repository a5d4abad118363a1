"""The failure labs: a fault is put in, and the learner finds it."""

from workbook.labs.cards import LABS as LABS
from workbook.labs.cards import by_hand as by_hand
from workbook.labs.cards import follow as follow
from workbook.labs.cards import lab as lab
from workbook.labs.cards import labs as labs
from workbook.labs.cards import mend as mend
from workbook.labs.cards import undo_all as undo_all
from workbook.labs.cards import verdict as verdict
