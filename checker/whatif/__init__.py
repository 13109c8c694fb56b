"""What-ifs: a student's network is changed, trained in the clean guest, and compared with the original."""
